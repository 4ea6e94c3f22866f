//! A mail server that takes everything, for as long as a test runs.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One mail as it came over the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Letter {
    /// Addresses of the envelope.
    pub(crate) to: Vec<String>,
    /// Headers and body.
    pub(crate) text: String,
}

pub(crate) struct Postbox {
    url: String,
    letters: Arc<Mutex<Vec<Letter>>>,
    server: JoinHandle<()>,
}

impl Postbox {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("smtp://{}", listener.local_addr()?);
        let letters: Arc<Mutex<Vec<Letter>>> = Arc::default();
        let kept = Arc::clone(&letters);
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                // A client that breaks off has sent no mail; the test sees that nothing arrived.
                tokio::spawn(async move { serve(socket, &kept).await.unwrap_or_default() });
            }
        });
        Ok(Self { url, letters, server })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What arrived so far, in the order of arrival.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(socket: TcpStream, kept: &Mutex<Vec<Letter>>) -> std::io::Result<()> {
    let (reader, mut writer) = socket.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 postbox ESMTP\r\n").await?;
    let mut letter = Letter::default();
    while let Some(line) = lines.next_line().await? {
        let command = line.to_ascii_uppercase();
        let reply: &[u8] = if command.starts_with("DATA") {
            writer.write_all(b"354 go on\r\n").await?;
            while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                letter.text.push_str(&line);
                letter.text.push('\n');
            }
            kept.lock().unwrap().push(std::mem::take(&mut letter));
            b"250 taken\r\n"
        } else if command.starts_with("RCPT TO:") {
            letter.to.push(line[8..].trim().trim_matches(['<', '>']).to_owned());
            b"250 fine\r\n"
        } else if command.starts_with("QUIT") {
            b"221 bye\r\n"
        } else {
            b"250 fine\r\n"
        };
        writer.write_all(reply).await?;
    }
    Ok(())
}
