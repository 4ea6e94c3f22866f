//! `report.html`: a whole run in one file that needs no network.

use super::model::Run;
use super::page::{Page, embed, escape};

const MODULES: [&str; 6] = [
    include_str!("assets/waterfall.js"),
    include_str!("assets/contracts.js"),
    include_str!("assets/drift.js"),
    include_str!("assets/load.js"),
    include_str!("assets/chaos.js"),
    include_str!("assets/report.js"),
];

/// The report as HTML. It opens with the verdict in a sentence, which is there without scripts too.
///
/// # Errors
///
/// When the run holds something that JSON cannot express.
pub fn render(run: &Run) -> Result<String, serde_json::Error> {
    let verdict = run.verdict.name();
    let word = match verdict {
        "pass" => "passed",
        "fail" => "failed",
        "invalid" => "not proven",
        other => other,
    };
    let form = if run.quick { "quick run" } else { "full run" };
    let body = format!(
        "<header class=\"page\"><div class=\"eyebrow\"><b>Shakedown</b><span>{system}</span><span>{profile}, {form}</span>\
         <span>{started}</span><span>seed {seed}</span></div>\n\
         <h1>{sentence}</h1>\n<span class=\"verdict {verdict}\">{word}</span>{error}\
         <noscript><p>The details of this report need JavaScript, which is switched off here.</p></noscript></header>\n\
         <main></main>\n<footer class=\"page\"><p>Replay: <code>{replay}</code></p></footer>\n\
         <script type=\"application/json\" id=\"run\">{data}</script>",
        system = escape(&run.system),
        profile = escape(&run.profile),
        started = escape(run.started_at.get(..16).unwrap_or(&run.started_at).replace('T', " ").as_str()),
        seed = run.seed,
        sentence = prose(&run.sentence),
        error = last_words(run),
        replay = escape(&run.replay),
        data = embed(&serde_json::to_string(run)?),
    );
    let title = format!("{} {word}: Shakedown", run.system);
    let css = include_str!("assets/report.css");
    Ok(Page { title: &title, css, connect: "'none'", body: &body, modules: &MODULES }.render())
}

/// What an error says below its first line, which is in the sentence: the last words of a service are found nowhere else.
fn last_words(run: &Run) -> String {
    let rest = run.error.as_deref().and_then(|error| error.split_once('\n'));
    rest.map_or_else(String::new, |(_, rest)| format!("<pre class=\"error\">{}</pre>", escape(rest)))
}

/// A sentence as HTML, in which `quoted` parts are code.
fn prose(sentence: &str) -> String {
    let part = |(index, part): (usize, &str)| match index % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    };
    sentence.split('`').enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn report_opens_with_the_verdict_and_fetches_nothing() {
        let html = render(&sample::failed()).expect("render");
        let body = html.find("<main>").expect("main");
        assert!(html[..body].contains("<h1>Failed: "), "the sentence comes before everything else");
        for fetch in ["src=", "url(", "@import", "href=\"http", "\nimport ", "fetch("] {
            assert!(!html.contains(fetch), "the report must not fetch anything: {fetch}");
        }
        assert!(html.contains("connect-src 'none'"));
    }

    #[test]
    fn page_of_a_verification_alone_holds_what_the_scripts_show() {
        let html = render(&sample::contracts_alone()).expect("render");
        let data = html.split_once("id=\"run\">").and_then(|(_, rest)| rest.split_once("</script>")).expect("data").0;
        let run: serde_json::Value = serde_json::from_str(data).expect("JSON");
        insta::assert_snapshot!(format!("{:#}", run["contracts"]));
        // What a field is called in the model is what the scripts ask for.
        for field in ["one.evidence", "logs_omitted", "waterfall_omitted", "one.flaky", "result.partial", "one.pending"]
        {
            assert!(html.contains(field), "no script shows `{field}`");
        }
    }

    #[test]
    fn hostile_data_stays_data() {
        let mut run = sample::passed();
        run.system = "</title><script>alert(1)</script>".to_owned();
        run.sentence = "</script><img src=x onerror=alert(1)>".to_owned();
        run.journeys.journeys[0].waterfall[0].name = "</script><!--".to_owned();
        let html = render(&run).expect("render");
        assert_eq!(html.matches("<script").count(), 2, "the data and the code");
        assert_eq!(html.matches("</script").count(), 2);
        assert!(!html.contains("<img"));
    }

    #[test]
    fn embedded_run_reads_back() {
        let html = render(&sample::passed()).expect("render");
        let data = html.split_once("id=\"run\">").and_then(|(_, rest)| rest.split_once("</script>")).expect("data").0;
        let run: Run = serde_json::from_str(data).expect("the model");
        assert_eq!(run.seed, 42);
    }
}
