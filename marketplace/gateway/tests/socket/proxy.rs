//! A way to the chat service that can be cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A TCP proxy; everything ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    /// What ends the connections there are; none while the way is cut.
    way: Arc<Mutex<Option<CancellationToken>>>,
}

impl Proxy {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let way = Arc::new(Mutex::new(Some(CancellationToken::new())));
        let open = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let Some(ended) = open.lock().unwrap().clone() else { continue };
                tokio::spawn(ended.run_until_cancelled_owned(async move {
                    let Ok(mut far) = TcpStream::connect(target).await else { return };
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }));
            }
        });
        Self { url, way }
    }

    /// Ends all connections, and any further one at once.
    pub(crate) fn cut(&self) {
        if let Some(ended) = self.way.lock().unwrap().take() {
            ended.cancel();
        }
    }

    pub(crate) fn heal(&self) {
        *self.way.lock().unwrap() = Some(CancellationToken::new());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}
