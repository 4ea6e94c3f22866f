//! Who is told what about which event.

use crate::events::{
    ExtensionDecided, ExtensionRequested, OfferMade, OrderCancelled, OrderCompleted, OrderDelivered, OrderPlaced,
    PasswordChanged, PasswordResetRequested, VerificationRequested,
};
use crate::mail::{Mail, money};

/// The public address of the marketplace, for links.
#[derive(Debug, Clone)]
pub struct Site(String);

impl Site {
    /// The site at `base`, without a slash at its end.
    #[must_use]
    pub fn new(base: String) -> Self {
        Self(base)
    }

    fn link(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    fn order(&self, label: &str, id: &str) -> Option<(String, String)> {
        Some((label.to_owned(), self.link(&format!("/orders/{id}"))))
    }
}

/// The mails that an event is worth, one per recipient.
pub trait Letters {
    /// Those mails.
    fn letters(&self, site: &Site) -> Vec<Mail>;
}

fn mail(
    (role, to, name): (&'static str, &str, &str),
    subject: impl Into<String>,
    paragraphs: impl IntoIterator<Item = String>,
    button: Option<(String, String)>,
) -> Mail {
    Mail {
        role,
        to: to.to_owned(),
        name: name.to_owned(),
        subject: subject.into(),
        paragraphs: paragraphs.into_iter().filter(|text| !text.is_empty()).collect(),
        button,
    }
}

/// The day of an RFC 3339 time.
fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

impl Letters for VerificationRequested {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let link = site.link(&format!("/verify-email?token={}", self.token));
        let text = ["Welcome! One step is left: tell us that this address is yours.".to_owned()];
        let button = Some(("Verify your e-mail address".to_owned(), link));
        vec![mail(("user", &self.email, &self.username), "Verify your e-mail address", text, button)]
    }
}

impl Letters for PasswordResetRequested {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let link = site.link(&format!("/reset-password?token={}", self.token));
        let text = ["Somebody asked to reset your password. If it was not you, do nothing: it stays as it is.".to_owned()];
        let button = Some(("Reset your password".to_owned(), link));
        vec![mail(("user", &self.email, &self.username), "Reset your password", text, button)]
    }
}

impl Letters for PasswordChanged {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let text = ["Your password was changed. If it was not you, reset it now.".to_owned()];
        let button = Some(("Reset your password".to_owned(), site.link("/forgot-password")));
        vec![mail(("user", &self.email, &self.username), "Your password was changed", text, button)]
    }
}

impl Letters for OfferMade {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let text = [
            format!(
                "{} made you an offer for \"{}\": {} in {} days.",
                self.seller_username,
                self.gig_title,
                money(self.price, &self.currency),
                self.delivery_in_days
            ),
            self.description.clone(),
        ];
        let button = Some(("See the offer".to_owned(), site.link("/inbox")));
        let subject = format!("{} made you an offer", self.seller_username);
        vec![mail(("buyer", &self.buyer_email, &self.buyer_username), subject, text, button)]
    }
}

impl Letters for OrderPlaced {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let due = day(&self.delivery_due);
        let total = money(self.amount + self.fee, &self.currency);
        let price = money(self.amount, &self.currency);
        vec![
            mail(
                ("buyer", &self.buyer_email, &self.buyer_username),
                "Your order is placed",
                [
                    format!("You ordered \"{}\" from {}.", self.gig_title, self.seller_username),
                    format!("You paid {total}. Delivery is due on {due}."),
                ],
                site.order("See your order", &self.order_id),
            ),
            mail(
                ("seller", &self.seller_email, &self.seller_username),
                format!("New order from {}", self.buyer_username),
                [
                    format!("{} ordered \"{}\" for {price}.", self.buyer_username, self.gig_title),
                    format!("Delivery is due on {due}."),
                ],
                site.order("See the order", &self.order_id),
            ),
        ]
    }
}

impl Letters for OrderDelivered {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let text = [
            format!("{} delivered \"{}\". Have a look, and approve it if all is well.", self.seller_username, self.gig_title),
            self.message.clone(),
        ];
        let button = site.order("See the delivery", &self.order_id);
        vec![mail(("buyer", &self.buyer_email, &self.buyer_username), "Your order was delivered", text, button)]
    }
}

impl Letters for ExtensionRequested {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let text = [
            format!(
                "{} asks for {} more days for \"{}\"; it would be due on {}.",
                self.seller_username,
                self.days,
                self.gig_title,
                day(&self.new_delivery_due)
            ),
            self.reason.clone(),
        ];
        let button = site.order("Approve or reject", &self.order_id);
        vec![mail(("buyer", &self.buyer_email, &self.buyer_username), "Your seller asks for more time", text, button)]
    }
}

impl Letters for ExtensionDecided {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let decision = if self.approved { "approved" } else { "rejected" };
        let text = [format!(
            "{} {decision} your request for more time for \"{}\". It is due on {}.",
            self.buyer_username,
            self.gig_title,
            day(&self.delivery_due)
        )];
        let subject = format!("Your request for more time was {decision}");
        let button = site.order("See the order", &self.order_id);
        vec![mail(("seller", &self.seller_email, &self.seller_username), subject, text, button)]
    }
}

impl Letters for OrderCompleted {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let earned = money(self.amount, &self.currency);
        vec![
            mail(
                ("buyer", &self.buyer_email, &self.buyer_username),
                "Your order is complete",
                [format!("You approved \"{}\". Tell others how {} did.", self.gig_title, self.seller_username)],
                site.order("Write a review", &self.order_id),
            ),
            mail(
                ("seller", &self.seller_email, &self.seller_username),
                "Your delivery was approved",
                [format!("{} approved \"{}\". You earned {earned}.", self.buyer_username, self.gig_title)],
                site.order("See the order", &self.order_id),
            ),
        ]
    }
}

impl Letters for OrderCancelled {
    fn letters(&self, site: &Site) -> Vec<Mail> {
        let refunded = money(self.refunded, &self.currency);
        vec![
            mail(
                ("buyer", &self.buyer_email, &self.buyer_username),
                "Your order was cancelled",
                [
                    format!("Your order of \"{}\" from {} was cancelled.", self.gig_title, self.seller_username),
                    format!("You get {refunded} back."),
                    self.reason.clone(),
                ],
                site.order("See the order", &self.order_id),
            ),
            mail(
                ("seller", &self.seller_email, &self.seller_username),
                "An order was cancelled",
                [
                    format!("The order of \"{}\" by {} was cancelled.", self.gig_title, self.buyer_username),
                    self.reason.clone(),
                ],
                site.order("See the order", &self.order_id),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verification_mail_carries_the_link() {
        let event = VerificationRequested { username: "ada".into(), email: "ada@example.test".into(), token: "t0k".into() };
        let letters = event.letters(&Site::new("https://market.test".into()));
        assert_eq!(letters.len(), 1);
        assert!(letters[0].plain().contains("https://market.test/verify-email?token=t0k"));
    }

    #[test]
    fn cancelled_order_is_told_to_both_sides_with_the_refund_only_to_the_buyer() {
        let event = OrderCancelled {
            order_id: "o-1".into(),
            gig_title: "A logo".into(),
            buyer_username: "ada".into(),
            buyer_email: "ada@example.test".into(),
            seller_username: "grace".into(),
            seller_email: "grace@example.test".into(),
            reason: String::new(),
            refunded: 5250,
            currency: "EUR".into(),
        };
        let letters = event.letters(&Site::new("https://market.test".into()));
        let told: Vec<(&str, bool)> =
            letters.iter().map(|mail| (mail.to.as_str(), mail.plain().contains("52.50 EUR"))).collect();
        assert_eq!(told, [("ada@example.test", true), ("grace@example.test", false)]);
    }
}
