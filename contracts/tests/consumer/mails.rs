//! What the notification service does with an event, from the message to the mails.

use contracts::consumer::Message;

use super::inbox::Inbox;
use super::postbox::Postbox;

/// Lets the service handle the message and checks that it led to one mail to each of `recipients`, all of them with each
/// of `words`.
pub(crate) async fn sent(message: Message, recipients: &[&str], words: &[&str]) -> anyhow::Result<()> {
    let postbox = Postbox::open().await?;
    let variables = [("SMTP_URL", postbox.url()), ("PUBLIC_URL", "http://market.example")];
    let inbox = Inbox::open("notification", &variables, notification::app).await?;
    let event = inbox.hear(&message).await?;
    let letters = postbox.letters();
    let mut to: Vec<&str> = letters.iter().flat_map(|letter| &letter.to).map(String::as_str).collect();
    to.sort_unstable();
    assert_eq!(to, recipients);
    for letter in &letters {
        assert!(letter.text.contains(&event.id), "no Message-ID of the event in {}", letter.text);
        // Soft line breaks of quoted-printable may fall anywhere.
        let text = letter.text.replace("=\n", "");
        for word in words {
            assert!(text.contains(word), "no `{word}` in {text}");
        }
    }
    Ok(())
}
