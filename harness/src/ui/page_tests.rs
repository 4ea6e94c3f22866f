use chaos::verdict::Verdict;

use super::*;

const ANY: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

async fn get(page: &Page, path: &str) -> String {
    let response = reqwest::get(format!("http://{}{path}", page.address())).await.expect("response");
    assert!(response.status().is_success(), "{path}");
    response.text().await.expect("text")
}

#[tokio::test]
async fn page_shows_what_happened_before_it_was_opened() {
    let events = Events::default();
    let page = Page::start(ANY.into(), "toy", &events).await.expect("start");
    events.send(Event::Service { name: "order".to_owned(), state: "ready", detail: String::new() });
    events.send(Event::Finished { verdict: Verdict::Pass, sentence: "Passed.".to_owned() });
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let state: serde_json::Value = serde_json::from_str(&get(&page, "/state.json").await).expect("JSON");
        if state["finished"]["sentence"] == "Passed." {
            assert_eq!((&state["system"], &state["services"]["order"]["state"]), (&"toy".into(), &"ready".into()));
            break;
        }
        assert!(Instant::now() < deadline, "the end of the run does not appear: {state}");
    }
    assert!(get(&page, "/").await.contains("new EventSource"));
}

#[tokio::test]
async fn open_browser_receives_the_last_state_and_the_page_stops() {
    let events = Events::default();
    let page = Page::start(ANY.into(), "toy", &events).await.expect("start");
    let mut stream = reqwest::get(format!("http://{}/events", page.address())).await.expect("stream");
    let first = stream.chunk().await.expect("chunk").expect("a first state");
    assert!(first.starts_with(b"data:"), "{first:?}");
    events.send(Event::Finished { verdict: Verdict::Fail, sentence: "Failed: order lost.".to_owned() });
    let address = page.address();
    let shutdown = tokio::spawn(page.shutdown());
    let mut rest = Vec::new();
    while let Some(chunk) = stream.chunk().await.expect("chunk") {
        rest.extend_from_slice(&chunk);
    }
    assert!(String::from_utf8_lossy(&rest).contains("Failed: order lost."));
    shutdown.await.expect("shutdown");
    TcpListener::bind(address).await.expect("the port is free again");
}

#[tokio::test]
async fn taken_address_is_named() {
    let events = Events::default();
    let first = Page::start(ANY.into(), "toy", &events).await.expect("start");
    let error = Page::start(first.address(), "toy", &events).await.expect_err("taken");
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");
}
