//! Collectors that work, hang or fail, and can be killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// How a collector answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// 200, at once.
    Ok,
    /// Accepts connections and says nothing.
    Never,
    /// 500, at once.
    Error,
}

/// `None` once the collector is dead.
type Open = Arc<Mutex<Option<Vec<TcpStream>>>>;

/// Runs until it is killed.
pub struct Collector {
    address: SocketAddr,
    open: Open,
}

impl Collector {
    /// Listens on a free port.
    pub fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let open: Open = Arc::new(Mutex::new(Some(Vec::new())));
        let connections = Arc::clone(&open);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut open = connections.lock().unwrap_or_else(PoisonError::into_inner);
                // Ends the thread and with it the listener: further connections are refused.
                let Some(open) = open.as_mut() else { return };
                let Ok(kept) = stream.try_clone() else { continue };
                open.push(kept);
                std::thread::spawn(move || serve(&stream, answers));
            }
        });
        Self { address, open }
    }

    /// Where to export to.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks all connections off and refuses further ones.
    pub fn kill(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        for stream in open.into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts, so that it notices.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, answers: Answers) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        let status = match answers {
            Answers::Ok => "200 OK",
            Answers::Error => "500 Internal Server Error",
            Answers::Never => continue,
        };
        (&*stream).write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).ok()?;
    }
}
