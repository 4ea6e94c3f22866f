//! Clients that break the protocol, and the codes they are told.

use crate::{lapin_client::*, raw_client::*};

const MAX: u32 = 131_072;

#[tokio::test]
async fn other_protocol_is_answered_with_the_one_that_is_spoken() {
    let broker = start().await;
    for greeting in [b"AMQP\x00\x01\x00\x00", b"GET / HT"] {
        let mut raw = Raw::connect(broker.amqp_addr()).await;
        raw.send(greeting).await;
        let mut answer = Vec::new();
        within("the answer", tokio::io::AsyncReadExt::read_to_end(&mut raw.socket, &mut answer)).await.unwrap();
        assert_eq!(answer, b"AMQP\x00\x00\x09\x01");
    }
}

#[tokio::test]
async fn wrong_password_is_refused_in_the_way_the_client_understands() {
    let broker = start().await;
    let mut capable = Vec::new();
    capable.extend(short("capabilities"));
    let capability = [short("authentication_failure_close"), vec![b't', 1]].concat();
    capable.push(b'F');
    capable.extend((capability.len() as u32).to_be_bytes());
    capable.extend(capability);
    for (properties, told) in [(&capable[..], true), (&[], false)] {
        let mut raw = Raw::connect(broker.amqp_addr()).await;
        raw.send(b"AMQP\x00\x00\x09\x01").await;
        raw.expect(10, 10).await;
        raw.send(&start_ok("guest", "wrong", "PLAIN", properties)).await;
        if told {
            let (code, text) = raw.expect(10, 50).await.close();
            assert_eq!(code, 403);
            assert!(text.starts_with("ACCESS_REFUSED - Login was refused"), "{text}");
            raw.send(&method(0, 10, 51, &[])).await;
        }
        raw.expect_end().await;
    }
}

#[tokio::test]
async fn negotiation_beyond_the_offer_is_not_allowed() {
    let broker = start().await;
    for tune in [
        tune_ok(100, MAX + 1, 0),
        tune_ok(100, 0, 0),
        tune_ok(100, 4095, 0),
        tune_ok(0, MAX, 0),
        tune_ok(65535, MAX, 0),
    ] {
        let mut raw = Raw::connect(broker.amqp_addr()).await;
        raw.send(b"AMQP\x00\x00\x09\x01").await;
        raw.expect(10, 10).await;
        raw.send(&start_ok("guest", "guest", "PLAIN", &[])).await;
        raw.expect(10, 30).await;
        raw.send(&tune).await;
        assert_eq!(raw.expect_close().await, 530);
    }
}

#[tokio::test]
async fn frames_keep_to_the_smaller_frame_max_in_both_directions() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    send(&channel, "q", &"x".repeat(10_000)).await;
    let mut raw = Raw::opened(broker.amqp_addr(), 4096, 0).await;
    raw.open_channel(1).await;
    raw.send(&method(1, 60, 70, &[vec![0, 0], short("q"), vec![1]].concat())).await;
    raw.expect(60, 71).await;
    assert_eq!(raw.next_frame().await.unwrap().0, 2);
    let mut lengths = Vec::new();
    while lengths.iter().sum::<usize>() < 10_000 {
        lengths.push(raw.next_frame().await.unwrap().2.len());
    }
    assert_eq!(lengths, [4088, 4088, 1824]);
    // One octet more than was agreed on.
    raw.send(&frame(3, 1, &[0; 4089])).await;
    assert_eq!(raw.expect_close().await, 501);
}

#[tokio::test]
async fn broken_frames_and_methods_close_the_connection_with_their_codes() {
    let broker = start().await;
    let mut without_end = method(1, 20, 10, &short(""));
    *without_end.last_mut().unwrap() = 0;
    let header = |class: u16, size: u64| {
        frame(2, 1, &[&class.to_be_bytes()[..], &[0, 0], &size.to_be_bytes(), &[0, 0]].concat())
    };
    let publish = method(1, 60, 40, &[vec![0, 0], short(""), short("q"), vec![0]].concat());
    let declare = method(1, 50, 10, &[vec![0, 0], short("q"), vec![0], vec![0, 0, 0, 0]].concat());
    for (what, bytes, code) in [
        ("no end octet", without_end, 501),
        ("unknown frame type", frame(4, 1, &[]), 501),
        ("unknown method", method(1, 60, 99, &[]), 503),
        ("unknown class", method(1, 99, 1, &[]), 503),
        ("cut method", method(1, 60, 40, &[0]), 502),
        (
            "method of the server",
            method(1, 60, 60, &[short("t"), vec![0; 8], vec![0], short(""), short("")].concat()),
            503,
        ),
        ("channel not open", method(2, 60, 80, &[0; 9]), 504),
        ("channel beyond the maximum", method(101, 20, 10, &short("")), 504),
        ("second open", method(1, 20, 10, &short("")), 504),
        ("channel method on channel 0", method(0, 60, 80, &[0; 9]), 503),
        ("header without publish", header(60, 0), 505),
        ("body without header", [publish.clone(), frame(3, 1, b"x")].concat(), 505),
        ("method within content", [publish.clone(), header(60, 5), declare].concat(), 505),
        ("body of another class", [publish.clone(), header(61, 0)].concat(), 505),
        ("more body than announced", [publish.clone(), header(60, 1), frame(3, 1, b"xx")].concat(), 501),
        ("immediate", method(1, 60, 40, &[vec![0, 0], short(""), short("q"), vec![2]].concat()), 540),
        ("prefetch size", method(1, 60, 10, &[0, 0, 0, 1, 0, 0, 0]), 540),
        ("transactions", method(1, 90, 10, &[]), 540),
        (
            "unknown exchange type",
            method(1, 40, 10, &[vec![0, 0], short("x"), short("odd"), vec![0], vec![0; 4]].concat()),
            503,
        ),
        (
            "properties cut short",
            [publish, frame(2, 1, &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 9])].concat(),
            502,
        ),
    ] {
        let mut raw = Raw::opened(broker.amqp_addr(), MAX, 0).await;
        raw.open_channel(1).await;
        raw.send(&bytes).await;
        assert_eq!(raw.expect_close().await, code, "{what}");
        raw.send(&method(0, 10, 51, &[])).await;
        raw.expect_end().await;
    }
}

#[tokio::test]
async fn table_nested_too_deep_is_a_syntax_error() {
    let broker = start().await;
    let mut nested = Vec::new();
    for _ in 0..20 {
        let mut outer = short("t");
        outer.push(b'F');
        outer.extend((nested.len() as u32).to_be_bytes());
        outer.extend(&nested);
        nested = outer;
    }
    let mut arguments = [vec![0, 0], short("q"), vec![0]].concat();
    arguments.extend((nested.len() as u32).to_be_bytes());
    arguments.extend(nested);
    let mut raw = Raw::opened(broker.amqp_addr(), MAX, 0).await;
    raw.open_channel(1).await;
    raw.send(&method(1, 50, 10, &arguments)).await;
    assert_eq!(raw.expect_close().await, 502);
}

#[tokio::test]
async fn reused_consumer_tag_is_not_allowed() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    let consume = method(1, 60, 20, &[vec![0, 0], short("q"), short("tag"), vec![0], vec![0; 4]].concat());
    let mut raw = Raw::opened(broker.amqp_addr(), MAX, 0).await;
    raw.open_channel(1).await;
    raw.send(&consume).await;
    raw.expect(60, 21).await;
    raw.send(&consume).await;
    assert_eq!(raw.expect_close().await, 530);
}

#[tokio::test]
async fn closing_channel_ignores_everything_but_the_answer() {
    let broker = start().await;
    let mut raw = Raw::opened(broker.amqp_addr(), MAX, 0).await;
    raw.open_channel(1).await;
    let publish = |exchange: &str| {
        let arguments = [vec![0, 0], short(exchange), short("q"), vec![0]].concat();
        [
            method(1, 60, 40, &arguments),
            frame(2, 1, &[&[0, 60, 0, 0][..], &1u64.to_be_bytes(), &[0, 0]].concat()),
            frame(3, 1, b"x"),
        ]
        .concat()
    };
    raw.send(&[publish("missing"), publish(""), publish("missing"), method(1, 60, 80, &[9; 9])].concat()).await;
    let closed = raw.expect(20, 40).await;
    assert_eq!((closed.channel, closed.close().0), (1, 404));
    raw.send(&method(1, 20, 41, &[])).await;
    raw.open_channel(1).await;
}

#[tokio::test]
async fn silent_peer_is_dropped_and_its_messages_go_back() {
    let broker = start().await;
    let (_connection, channel) = channel(&broker).await;
    declare(&channel, "q", &[]).await;
    confirms(&channel).await;
    send(&channel, "q", "x").await;
    let mut raw = Raw::opened(broker.amqp_addr(), MAX, 1).await;
    raw.open_channel(1).await;
    raw.send(&method(1, 60, 70, &[vec![0, 0], short("q"), vec![0]].concat())).await;
    raw.expect(60, 71).await;
    assert_eq!(ready(&channel, "q").await, 0);
    // Nothing more is said. The broker's own heartbeats come until it gives up.
    let mut heartbeats = 0;
    while let Some((kind, ..)) = raw.next_frame().await {
        heartbeats += u32::from(kind == 8);
    }
    assert!(heartbeats >= 2, "{heartbeats}");
    until_ready(&channel, "q", 1).await;
}

#[tokio::test]
async fn heartbeats_keep_an_idle_peer() {
    let broker = start().await;
    let mut raw = Raw::opened(broker.amqp_addr(), MAX, 1).await;
    // Longer than the two seconds after which a silent peer is dropped.
    for _ in 0..8 {
        assert_eq!(raw.next_frame().await.map(|(kind, ..)| kind), Some(8));
        raw.send(&frame(8, 0, &[])).await;
    }
    raw.open_channel(1).await;
}

#[tokio::test]
async fn unfinished_handshake_is_dropped() {
    let broker = start_with(|config| config.limits.handshake = std::time::Duration::from_millis(100)).await;
    let mut raw = Raw::connect(broker.amqp_addr()).await;
    raw.send(b"AMQP\x00\x00\x09\x01").await;
    raw.expect(10, 10).await;
    raw.expect_end().await;
}
