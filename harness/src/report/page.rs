//! One HTML file out of the parts: style, data and scripts inside, nothing fetched from anywhere.

/// What every page has: look, which the contract broker shares, and words for values.
const BASE_CSS: &str = include_str!("../../../assets/base.css");
const DOM: &str = include_str!("assets/dom.js");
const CHARTS: &str = include_str!("assets/charts.js");

/// A page under construction.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// Title of the window.
    pub(crate) title: &'a str,
    /// Style beyond what all pages share.
    pub(crate) css: &'a str,
    /// What may be connected to, as a source list of a content security policy; `'none'` for a file.
    pub(crate) connect: &'a str,
    /// Markup of the body.
    pub(crate) body: &'a str,
    /// Modules beyond what all pages share, each after those that it imports.
    pub(crate) modules: &'a [&'a str],
}

impl Page<'_> {
    /// The file.
    pub(crate) fn render(&self) -> String {
        let Page { title, css, connect, body, modules } = self;
        let script: String = [DOM, CHARTS].iter().chain(*modules).map(|module| inline(module)).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             script-src 'unsafe-inline'; img-src data:; connect-src {connect}\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n{BASE_CSS}{css}</style>\n</head>\n\
             <body>\n{body}\n<script type=\"module\">\n{script}</script>\n</body>\n</html>\n",
            escape(title)
        )
    }
}

/// A module as a part of one script: names are shared, so imports and exports fall away.
fn inline(module: &str) -> String {
    let kept = module.lines().filter(|line| !line.starts_with("import ") && !line.starts_with("//"));
    kept.map(|line| format!("{}\n", line.strip_prefix("export ").unwrap_or(line))).collect()
}

/// Text as HTML, in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// JSON as the content of a script element: nothing in it can end the element or begin a comment.
pub(crate) fn embed(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn inlined_modules_share_their_names() {
        assert_eq!(inline("// why\nimport { a } from \"./a.js\";\nexport const b = a;\n"), "const b = a;\n");
    }

    proptest! {
        #[test]
        fn embedded_json_means_the_same_and_cannot_end_its_element(text in ".*") {
            let embedded = embed(&serde_json::to_string(&text).expect("text"));
            prop_assert!(!embedded.contains('<'));
            prop_assert_eq!(serde_json::from_str::<String>(&embedded).expect("still JSON"), text);
        }

        #[test]
        fn escaped_text_holds_no_markup(text in ".*") {
            prop_assert!(!escape(&text).contains(['<', '>', '"', '\'']));
        }
    }
}
