//! What the notification service does with an event, from the message to the mails.

use contracts::consumer::Message;
use notification::consumer::{Sender, notify};
use notification::mail::Notify;
use notification::mailer::Mailer;
use platform::EventType;
use serde::de::DeserializeOwned;

use super::envelope::received;
use super::inbox::{Inbox, handled};
use super::postbox::Postbox;

/// Handles the message as an event of type `T` and checks that it led to one mail to each of `recipients`, all of them
/// with each of `words`.
pub(crate) async fn sent<T>(message: Message, recipients: &[&str], words: &[&str]) -> anyhow::Result<()>
where
    T: EventType + Notify + DeserializeOwned + Send + Sync + 'static,
{
    let (inbox, postbox) = (Inbox::open(notification::SCHEMA).await?, Postbox::open().await?);
    let sender = Sender::new(Mailer::new(postbox.url())?, "http://market.example");
    let (event, data) = received::<T>(&message)?;
    let id = event.id.clone();
    let mut tx = inbox.begin().await?;
    handled(notify(sender, &mut tx, event, data).await)?;
    tx.commit().await?;
    let letters = postbox.letters();
    let mut to: Vec<&str> = letters.iter().flat_map(|letter| &letter.to).map(String::as_str).collect();
    to.sort_unstable();
    assert_eq!(to, recipients);
    for letter in &letters {
        assert!(letter.text.contains(&id), "no Message-ID of the event in {}", letter.text);
        // Soft line breaks of quoted-printable may fall anywhere.
        let text = letter.text.replace("=\n", "");
        for word in words {
            assert!(text.contains(word), "no `{word}` in {text}");
        }
    }
    let recorded = inbox.number("SELECT COUNT(*) FROM mails WHERE event_id = $1", &id).await?;
    assert_eq!(recorded, i64::try_from(recipients.len())?);
    Ok(())
}
