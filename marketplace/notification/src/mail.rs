//! Which mails an event leads to, and what they say.

use crate::views::{
    OfferMade, OrderCancelled, OrderCompleted, OrderDelivered, OrderExtensionDecided, OrderExtensionRequested,
    OrderFacts, OrderPlaced, PasswordChanged, PasswordResetRequested, UserRegistered, VerificationRequested,
};

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Part of the recipient in the event: `user`, `buyer` or `seller`.
    pub role: &'static str,
    /// Address.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Paragraphs of the text.
    pub paragraphs: Vec<String>,
    /// A link that stands at the end.
    pub link: Option<String>,
}

impl Mail {
    fn new(role: &'static str, to: &str, subject: impl Into<String>, paragraphs: impl Into<Vec<String>>) -> Self {
        Self { role, to: to.to_owned(), subject: subject.into(), paragraphs: paragraphs.into(), link: None }
    }

    fn with_link(self, link: String) -> Self {
        Self { link: Some(link), ..self }
    }

    /// The text for readers without HTML.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut text = self.paragraphs.join("\n\n");
        if let Some(link) = &self.link {
            text.push_str("\n\n");
            text.push_str(link);
        }
        text.push('\n');
        text
    }

    /// The same as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let mut html = String::from("<!doctype html><html><body style=\"font-family:sans-serif\">");
        for paragraph in &self.paragraphs {
            html.push_str(&format!("<p>{}</p>", escaped(paragraph)));
        }
        if let Some(link) = &self.link {
            let link = escaped(link);
            html.push_str(&format!("<p><a href=\"{link}\">{link}</a></p>"));
        }
        html.push_str("</body></html>\n");
        html
    }
}

/// Events that lead to mails.
pub trait Notify {
    /// Its mails; `public_url` is the base of links, without a slash at its end.
    fn mails(&self, public_url: &str) -> Vec<Mail>;
}

impl Notify for UserRegistered {
    fn mails(&self, _: &str) -> Vec<Mail> {
        let text = [hello(&self.username), "Welcome to the marketplace. You can look around at once.".to_owned()];
        vec![Mail::new("user", &self.email, "Welcome to the marketplace", text)]
    }
}

impl Notify for VerificationRequested {
    fn mails(&self, public_url: &str) -> Vec<Mail> {
        let text =
            [hello(&self.username), "Please verify that this is your address by following this link:".to_owned()];
        let link = format!("{public_url}/verify-email?token={}", self.token);
        vec![Mail::new("user", &self.email, "Verify your e-mail address", text).with_link(link)]
    }
}

impl Notify for PasswordResetRequested {
    fn mails(&self, public_url: &str) -> Vec<Mail> {
        let text = [
            hello(&self.username),
            "Somebody asked for a new password for your account. If it was you, follow this link; if not, do nothing."
                .to_owned(),
        ];
        let link = format!("{public_url}/reset-password?token={}", self.token);
        vec![Mail::new("user", &self.email, "Reset your password", text).with_link(link)]
    }
}

impl Notify for PasswordChanged {
    fn mails(&self, _: &str) -> Vec<Mail> {
        let text = [
            hello(&self.username),
            "Your password was changed. If it was not you, reset it now and tell us.".to_owned(),
        ];
        vec![Mail::new("user", &self.email, "Your password was changed", text)]
    }
}

impl Notify for OfferMade {
    fn mails(&self, _: &str) -> Vec<Mail> {
        let text = [
            hello(&self.buyer_username),
            format!(
                "{} offers you \"{}\" for {} within {} days: {}",
                self.seller_username,
                self.gig_title,
                money(self.price, &self.currency),
                self.delivery_in_days,
                self.description
            ),
        ];
        let subject = format!("{} made you an offer", self.seller_username);
        vec![Mail::new("buyer", &self.buyer_email, subject, text)]
    }
}

impl Notify for OrderPlaced {
    fn mails(&self, public_url: &str) -> Vec<Mail> {
        let order = &self.order;
        let price = money(order.amount, &order.currency);
        vec![
            to_buyer(
                order,
                public_url,
                format!("Your order of \"{}\"", order.gig_title),
                format!(
                    "You ordered \"{}\" from {} for {price} and a fee of {}. It is due on {}.",
                    order.gig_title,
                    order.seller_username,
                    money(order.fee, &order.currency),
                    day(&self.delivery_due)
                ),
            ),
            to_seller(
                order,
                public_url,
                format!("New order of \"{}\"", order.gig_title),
                format!(
                    "{} ordered \"{}\" for {price}. It is due on {}.",
                    order.buyer_username,
                    order.gig_title,
                    day(&self.delivery_due)
                ),
            ),
        ]
    }
}

impl Notify for OrderDelivered {
    fn mails(&self, public_url: &str) -> Vec<Mail> {
        let order = &self.order;
        let text = format!("{} delivered \"{}\": {}", order.seller_username, order.gig_title, self.message);
        vec![to_buyer(order, public_url, format!("\"{}\" was delivered", order.gig_title), text)]
    }
}

impl Notify for OrderExtensionRequested {
    fn mails(&self, public_url: &str) -> Vec<Mail> {
        let order = &self.order;
        let text = format!(
            "{} asks for {} more days for \"{}\": {}",
            order.seller_username, self.days, order.gig_title, self.reason
        );
        vec![to_buyer(order, public_url, format!("More time for \"{}\"?", order.gig_title), text)]
    }
}

impl Notify for OrderExtensionDecided {
    fn mails(&self, public_url: &str) -> Vec<Mail> {
        let order = &self.order;
        let word = if self.approved { "granted" } else { "refused" };
        let text = format!(
            "{} {word} you more time for \"{}\". It is due on {}.",
            order.buyer_username,
            order.gig_title,
            day(&self.delivery_due)
        );
        vec![to_seller(order, public_url, format!("More time {word} for \"{}\"", order.gig_title), text)]
    }
}

impl Notify for OrderCompleted {
    fn mails(&self, public_url: &str) -> Vec<Mail> {
        let order = &self.order;
        let price = money(order.amount, &order.currency);
        vec![
            to_buyer(
                order,
                public_url,
                format!("Your order of \"{}\" is complete", order.gig_title),
                format!("You approved \"{}\". Tell others how it was.", order.gig_title),
            ),
            to_seller(
                order,
                public_url,
                format!("You earned {price}"),
                format!("{} approved \"{}\". {price} are yours.", order.buyer_username, order.gig_title),
            ),
        ]
    }
}

impl Notify for OrderCancelled {
    fn mails(&self, public_url: &str) -> Vec<Mail> {
        let order = &self.order;
        let refunded = money(self.refunded, &order.currency);
        let subject = format!("The order of \"{}\" was cancelled", order.gig_title);
        vec![
            to_buyer(
                order,
                public_url,
                subject.clone(),
                format!("The order of \"{}\" was cancelled: {} You get {refunded} back.", order.gig_title, self.reason),
            ),
            to_seller(
                order,
                public_url,
                subject,
                format!("The order of \"{}\" was cancelled: {}", order.gig_title, self.reason),
            ),
        ]
    }
}

fn to_buyer(order: &OrderFacts, public_url: &str, subject: String, text: String) -> Mail {
    Mail::new("buyer", &order.buyer_email, subject, [hello(&order.buyer_username), text])
        .with_link(format!("{public_url}/orders/{}", order.order_id))
}

fn to_seller(order: &OrderFacts, public_url: &str, subject: String, text: String) -> Mail {
    Mail::new("seller", &order.seller_email, subject, [hello(&order.seller_username), text])
        .with_link(format!("{public_url}/orders/{}", order.order_id))
}

fn hello(name: &str) -> String {
    format!("Hello {name},")
}

/// Minor units as people write them.
fn money(minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02} {currency}", (minor / 100).abs(), (minor % 100).abs())
}

/// The day of an RFC 3339 time.
fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_with_two_digits() {
        assert_eq!(money(1205, "USD"), "12.05 USD");
        assert_eq!(money(-7, "USD"), "-0.07 USD");
    }

    #[test]
    fn html_shows_markup_as_text() {
        let mail = Mail::new("user", "a@example.test", "x", ["<b>& \"me\"".to_owned()]);
        assert!(mail.html().contains("<p>&lt;b&gt;&amp; &quot;me&quot;</p>"));
    }

    #[test]
    fn verification_mail_has_the_link() {
        let event =
            VerificationRequested { username: "ada".into(), email: "ada@example.test".into(), token: "t1".into() };
        let [mail] = &event.mails("https://m.example")[..] else { panic!("one mail") };
        assert_eq!(mail.plain().lines().last(), Some("https://m.example/verify-email?token=t1"));
        assert_eq!((mail.role, mail.to.as_str()), ("user", "ada@example.test"));
    }
}
