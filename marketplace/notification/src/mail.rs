//! A mail as content, and its two renderings: plain text and HTML.

/// One mail to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The recipient's part in the event: `user`, `buyer` or `seller`.
    pub role: &'static str,
    /// Address of the recipient.
    pub to: String,
    /// Name of the recipient, for the greeting.
    pub name: String,
    /// Subject line.
    pub subject: String,
    /// Paragraphs, in plain text.
    pub paragraphs: Vec<String>,
    /// What to press, and where it leads.
    pub button: Option<(String, String)>,
}

impl Mail {
    /// The subject as one line, whatever people put into it.
    #[must_use]
    pub fn subject_line(&self) -> String {
        let words = self.subject.split(|c: char| c.is_control() || c == ' ');
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The plain-text body.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut text = format!("Hello {},\n", self.name);
        for paragraph in &self.paragraphs {
            text.push('\n');
            text.push_str(paragraph);
            text.push('\n');
        }
        if let Some((label, url)) = &self.button {
            text.push_str(&format!("\n{label}:\n{url}\n"));
        }
        text.push_str("\nThe Marketplace\n");
        text
    }

    /// The HTML body; whatever people wrote is shown, never interpreted.
    #[must_use]
    pub fn html(&self) -> String {
        let mut body = format!("<p>Hello {},</p>\n", escaped(&self.name));
        for paragraph in &self.paragraphs {
            body.push_str(&format!("<p>{}</p>\n", escaped(paragraph)));
        }
        if let Some((label, url)) = &self.button {
            let style = "background:#1b6e53;color:#fff;padding:10px 18px;border-radius:6px;text-decoration:none";
            body.push_str(&format!("<p><a href=\"{}\" style=\"{style}\">{}</a></p>\n", escaped(url), escaped(label)));
        }
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n\
             <body style=\"font-family:sans-serif;color:#222;max-width:36em;margin:2em auto;line-height:1.5\">\n{body}\
             <p>The Marketplace</p>\n</body></html>\n",
            escaped(&self.subject_line())
        )
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// An amount in minor units, for people: `52.50 EUR`.
///
/// # Examples
///
/// ```
/// assert_eq!(notification::mail::money(5250, "EUR"), "52.50 EUR");
/// assert_eq!(notification::mail::money(5, "USD"), "0.05 USD");
/// assert_eq!(notification::mail::money(500, "JPY"), "500 JPY");
/// ```
#[must_use]
pub fn money(minor: i64, currency: &str) -> String {
    // The currencies without a minor unit that the payment provider takes.
    if ["JPY", "KRW", "VND", "CLP"].contains(&currency) {
        return format!("{minor} {currency}");
    }
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{sign}{}.{:02} {currency}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            role: "user",
            to: "ada@example.test".into(),
            name: "ada".into(),
            subject: "Subject".into(),
            paragraphs: vec!["One <b>bold</b> & \"quoted\" line.".into()],
            button: Some(("Open".into(), "https://market.test/?a=1&b=2".into())),
        }
    }

    #[test]
    fn html_shows_what_people_wrote_without_interpreting_it() {
        let html = mail().html();
        assert!(html.contains("One &lt;b&gt;bold&lt;/b&gt; &amp; &quot;quoted&quot; line."));
        assert!(html.contains("href=\"https://market.test/?a=1&amp;b=2\""));
        assert!(!html.contains("<b>"));
    }

    #[test]
    fn plain_text_has_the_link_on_a_line_of_its_own() {
        assert!(mail().plain().lines().any(|line| line == "https://market.test/?a=1&b=2"));
    }
}
