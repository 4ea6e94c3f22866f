//! A mail server that keeps what it is given.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The ids of the mails that came, and the URL of the server.
#[derive(Clone, Debug)]
pub(crate) struct MailSink {
    pub(crate) url: String,
    ids: Arc<Mutex<Vec<String>>>,
}

impl MailSink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let ids: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&ids);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session(stream, Arc::clone(&kept)));
            }
        });
        Self { url, ids }
    }

    /// How many mails with this `Message-ID` (without angle brackets) came.
    pub(crate) fn count(&self, id: &str) -> usize {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|kept| *kept == id).count()
    }
}

/// One session of SMTP; a client that breaks off ends it.
async fn session(stream: TcpStream, ids: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 sink\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match verb.as_str() {
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut id = None;
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    let header = line.strip_prefix("Message-ID: <").and_then(|rest| rest.strip_suffix('>'));
                    id = id.or(header.map(str::to_owned));
                }
                ids.lock().unwrap_or_else(PoisonError::into_inner).extend(id);
                b"250 kept\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 fine\r\n",
        };
        write.write_all(reply).await?;
    }
    Ok(())
}
