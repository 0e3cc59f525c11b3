//! The demo as people see it: its page in a real browser, which the driver's own client steers.

#![cfg(unix)]

mod cdp;
mod chromium;
mod page;
mod scenes;

use std::path::Path;
use std::{env, fmt};

use driver_tokio::{Config, Connect, WebSocket};
use serde_json::json;
use tokio::runtime::{self, Runtime};

use crate::process::Demo;
use cdp::Channel;
use chromium::{Chromium, Tab};
use page::Page;

/// A tab's DevTools by way of the driver.
struct DevTools {
    runtime: Runtime,
    socket: WebSocket,
}

impl DevTools {
    fn connect(tab: &Tab) -> Self {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let mut config = Config::default();
        // Screenshots are long, and while the test does something else nobody answers pings.
        config.max_message = 64 << 20;
        config.max_frame = 64 << 20;
        config.ping_interval = None;
        let connect = Connect::new(&tab.devtools_url).config(config);
        let (socket, _) = runtime.block_on(connect.connect()).unwrap_or_else(failed);
        Self { runtime, socket }
    }
}

impl Channel for DevTools {
    fn send(&mut self, message: &str) {
        let sent = self.runtime.block_on(self.socket.send(message));
        sent.unwrap_or_else(failed);
    }

    fn receive(&mut self) -> String {
        let received = self.runtime.block_on(self.socket.recv());
        let message = received.unwrap_or_else(failed).expect("a message");
        message.as_text().expect("text").to_owned()
    }
}

fn failed<T>(error: impl fmt::Display) -> T {
    panic!("the DevTools do not answer: {error}")
}

/// Leaves pictures of the page in `directory`, for a person to look at: in a window and on a telephone,
/// by day and by night.
fn take_pictures(page: &mut Page<DevTools>, directory: &Path) {
    for (width, height, scheme) in [
        (1440, 900, "light"),
        (1440, 900, "dark"),
        (390, 844, "light"),
        (390, 844, "dark"),
    ] {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let cdp = page.cdp();
        cdp.command("Emulation.setDeviceMetricsOverride", metrics);
        cdp.command(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
        cdp.screenshot(&directory.join(format!("{width}-{scheme}.png")));
    }
    page.cdp()
        .command("Emulation.clearDeviceMetricsOverride", json!({}));
}

#[test]
fn people_use_the_page() {
    let Some(program) = chromium::find() else {
        eprintln!("skipped: there is no Chromium; CHROMIUM may name one");
        return;
    };
    let demo = Demo::start("127.0.0.1:0", &[]);
    let address = demo.address().to_owned();
    let url = format!("http://{address}/");
    let browser = Chromium::launch(&program);
    let open = || {
        let tab = browser.open_tab();
        (Page::open(DevTools::connect(&tab), &url), tab)
    };
    let (mut ada, _ada_tab) = open();
    let (mut grace, grace_tab) = open();
    scenes::two_people_talk(&mut ada, &mut grace);
    let (mut other_ada, other_tab) = open();
    scenes::a_second_ada_is_told_apart(&mut ada, &mut grace, &mut other_ada);
    browser.close_tab(&other_tab);
    scenes::compressed_messages_come_back(&mut ada);
    scenes::compression_is_switched(&mut ada, &["Grace", "Ada"]);
    scenes::the_bench_measures_echoes(&mut ada);
    scenes::figures_follow_the_traffic(&mut ada);
    if let Some(directory) = env::var_os("DEMO_PICTURES") {
        take_pictures(&mut ada, directory.as_ref());
    }
    scenes::a_closed_tab_is_noticed(&mut ada, "Ada", || browser.close_tab(&grace_tab));
    scenes::a_shutdown_is_shown(&mut ada, || {
        demo.signal("TERM");
        demo.wait();
    });
    let mut again = None;
    scenes::a_restart_is_survived(&mut ada, "Ada", || {
        again = Some(Demo::start(&address, &[]));
    });
}
