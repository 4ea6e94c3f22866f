//! Links against real sockets.

use std::sync::Arc;
use std::time::Duration;

use chaos::proxy::{Direction, Link, Probe, Toxic, ToxicKind, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// Serves each connection with `serve` and returns the address.
async fn server<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + Copy + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn echo(mut stream: TcpStream) {
    let (mut from, mut to) = stream.split();
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}

async fn echo_link() -> Arc<Link> {
    Link::bind("a->b", Upstream::new(server(echo).await)).unwrap()
}

async fn round_trip(stream: &mut TcpStream, bytes: &[u8]) -> Duration {
    let start = Instant::now();
    stream.write_all(bytes).await.unwrap();
    let mut back = vec![0; bytes.len()];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(back, bytes);
    start.elapsed()
}

/// Waits until a condition on the link holds.
async fn until(link: &Link, what: &str, holds: impl Fn(&Link) -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !holds(link) {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "{what} within 10 s; counters: {:?}", link.counters());
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 251) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn link_without_faults_passes_everything_on_and_counts_it() {
    let link = echo_link().await;
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let sent = pattern(8 << 20);
    let mut received = Vec::new();
    let (written, read) = tokio::join!(
        async {
            to.write_all(&sent).await?;
            to.shutdown().await
        },
        from.read_to_end(&mut received),
    );
    written.unwrap();
    read.unwrap();
    assert!(received == sent, "8 MiB came back unchanged");
    until(&link, "the connection closes", |link| link.counters().open == 0).await;
    let counters = link.counters();
    assert_eq!((counters.connections, counters.bytes_up, counters.bytes_down), (1, 8 << 20, 8 << 20));
    assert_eq!((counters.delayed_bytes, counters.resets, counters.cut), (0, 0, 0));
}

#[tokio::test]
async fn half_close_reaches_the_other_side_while_the_answer_is_under_way() {
    async fn answer_after_end(mut stream: TcpStream) {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        stream.write_all(format!("{} bytes", all.len()).as_bytes()).await.unwrap();
    }
    let link = Link::bind("a->b", Upstream::new(server(answer_after_end).await)).unwrap();
    for delay in [0, 30] {
        link.add("slow", Toxic::latency(Duration::from_millis(delay), Duration::ZERO));
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "5 bytes");
    }
}

#[tokio::test]
async fn upstream_can_change_and_may_be_missing() {
    async fn one(mut stream: TcpStream) {
        let _ = stream.write_all(b"1").await;
    }
    async fn two(mut stream: TcpStream) {
        let _ = stream.write_all(b"2").await;
    }
    let upstream = Upstream::unset();
    let link = Link::bind("a->b", upstream.clone()).unwrap();
    assert!(matches!(link.probe(Duration::from_secs(5)).await, Probe::Reset));
    assert_eq!(link.counters().unreachable, 1);
    for (address, says) in [(server(one).await, b'1'), (server(two).await, b'2')] {
        upstream.set(address);
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), says);
    }
}

#[tokio::test]
async fn latency_does_not_add_up_over_chunks() {
    let link = echo_link().await;
    link.add("slow", Toxic::latency(Duration::from_millis(100), Duration::ZERO));
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    // A sleep for each chunk would take 20 times as long.
    let took = round_trip(&mut stream, &pattern(20 * 32 * 1024)).await;
    assert!(took >= Duration::from_millis(200) && took < Duration::from_millis(900), "{took:?}");
    assert!(link.counters().longest_delay_us >= 100_000);
}

#[tokio::test]
async fn jitter_keeps_bytes_in_order() {
    let link = echo_link().await;
    link.add("slow", Toxic::latency(Duration::from_millis(10), Duration::from_millis(10)));
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    round_trip(&mut stream, &pattern(1 << 20)).await;
}

#[tokio::test]
async fn fault_in_one_direction_leaves_the_other_alone() {
    let link = echo_link().await;
    let slow = Toxic::latency(Duration::from_millis(80), Duration::ZERO);
    link.add("slow", Toxic { direction: Direction::Down, ..slow });
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    let took = round_trip(&mut stream, b"x").await;
    assert!(took >= Duration::from_millis(80) && took < Duration::from_millis(160), "{took:?}");
    assert_eq!(link.counters().delayed_bytes, 1);
}

#[tokio::test]
async fn removing_a_latency_lets_held_bytes_go_at_once() {
    let link = echo_link().await;
    link.add("slow", Toxic::latency(Duration::from_secs(3600), Duration::ZERO));
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    stream.write_all(b"held").await.unwrap();
    until(&link, "the connection is up", |link| link.counters().open == 1).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await.is_err());
    assert!(link.remove("slow"));
    let mut back = [0; 4];
    tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(&back, b"held");
    assert!(!link.remove("slow"), "it is gone already");
}

#[tokio::test]
async fn blackhole_holds_the_sender_back_with_bounded_memory() {
    let link = echo_link().await;
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    round_trip(&mut stream, b"x").await;
    link.add("hole", Toxic::new(ToxicKind::Blackhole));
    let block = pattern(1 << 20);
    let mut sent = 0;
    // Socket buffers take some; then the sender blocks.
    while let Ok(written) = tokio::time::timeout(Duration::from_millis(200), stream.write(&block)).await {
        sent += written.unwrap();
        assert!(sent < 256 << 20, "nothing holds the sender back");
    }
    assert_eq!(link.counters().held, 1);
    assert_eq!(link.counters().bytes_up, 1, "nothing went through");
}

#[tokio::test]
async fn toxicity_hits_the_same_connections_for_the_same_seed() {
    let mut hits = Vec::new();
    for _ in 0..2 {
        let link = echo_link().await;
        link.add("some", Toxic { toxicity: 0.5, seed: 3, ..Toxic::new(ToxicKind::Reset) });
        let mut hit = Vec::new();
        for _ in 0..16 {
            // One at a time, so that connections are accepted in this order.
            let mut stream = TcpStream::connect(link.address()).await.unwrap();
            let _ = stream.write_all(b"x").await;
            hit.push(stream.read_u8().await.is_err());
        }
        hits.push(hit);
    }
    assert_eq!(hits[0], hits[1]);
    assert!(hits[0].contains(&true) && hits[0].contains(&false), "{:?}", hits[0]);
}

#[tokio::test]
async fn cut_link_refuses_keeps_its_port_and_heals_again_and_again() {
    let link = echo_link().await;
    for round in 0..5 {
        link.add("cut", Toxic::new(ToxicKind::Cut));
        let refused = async { while !matches!(link.probe(Duration::from_millis(50)).await, Probe::Refused) {} };
        tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap_or_else(|_| panic!("cut {round}"));
        link.clear();
        let healed = async { while !matches!(link.probe(Duration::from_millis(50)).await, Probe::Open) {} };
        tokio::time::timeout(Duration::from_secs(10), healed).await.unwrap_or_else(|_| panic!("heal {round}"));
    }
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    round_trip(&mut stream, b"x").await;
}

#[tokio::test]
async fn dropped_link_closes_its_port_and_connections() {
    let link = echo_link().await;
    let address = link.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    round_trip(&mut stream, b"x").await;
    drop(link);
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), refused).await.expect("the port closes within 10 s");
}
