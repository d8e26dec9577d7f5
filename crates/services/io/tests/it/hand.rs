//! The hand that turns the knobs: pulls inputs and looks at lines from outside, on the simulated backend or on a
//! `gpio-sim` chip of the kernel.
//!
//! The same tests run on both. Without anything said they use the simulated backend. With `PISTACK_TEST_CHIP` they use
//! the chip of that label, and `PISTACK_TEST_SIM` is the directory in which `gpio-sim` has `sim_gpio17/pull` and
//! `sim_gpio17/value` (`/sys/devices/platform/gpio-sim.0/gpiochip0`). Lines 2 to 27 of the chip must be free, and the
//! tests must run one after the other (`--test-threads=1`): there is one chip for all.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use pistack_io::Config;
use pistack_io::config::BackendChoice;
use tower::ServiceExt as _;

/// Who pulls and looks.
#[derive(Debug, Clone)]
pub(crate) enum Hand {
    /// The simulated backend's internal route.
    Simulated(Router),
    /// The files of `gpio-sim`.
    Chip(PathBuf),
}

/// Label of the chip to test on; `None`: simulated.
pub(crate) fn chip() -> Option<String> {
    std::env::var("PISTACK_TEST_CHIP").ok()
}

/// The `[io]` of the tests.
pub(crate) fn config() -> Config {
    match chip() {
        Some(label) => Config {
            chip: label,
            backend: BackendChoice::Chardev,
            ..Config::default()
        },
        None => Config {
            backend: BackendChoice::Simulated,
            ..Config::default()
        },
    }
}

impl Hand {
    /// The hand for the chip, or for the service behind `internal`.
    pub(crate) fn new(internal: Router) -> Self {
        match chip() {
            Some(_) => {
                let directory =
                    std::env::var("PISTACK_TEST_SIM").expect("PISTACK_TEST_SIM names gpio-sim's files");
                Self::Chip(directory.into())
            }
            None => Self::Simulated(internal),
        }
    }

    /// Pulls an input up or down.
    pub(crate) async fn pull(&self, offset: u32, up: bool) {
        let way = if up { "up" } else { "down" };
        match self {
            Self::Simulated(router) => {
                let body = format!(r#"{{"pin":{offset},"pull":"{way}"}}"#);
                let answer = post(router, "/internal/gpio/pull", body).await;
                assert_eq!(answer["ok"], true, "{answer}");
            }
            Self::Chip(directory) => {
                let file = line(directory, offset).join("pull");
                std::fs::write(&file, format!("pull-{way}"))
                    .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            }
        }
    }

    /// The voltage of a line that is not active low, seen from outside.
    pub(crate) async fn level(&self, offset: u32) -> bool {
        match self {
            Self::Simulated(router) => {
                let answer = post(router, "/internal/gpio/read", format!(r#"{{"pin":{offset}}}"#)).await;
                answer["value"] == 1
            }
            Self::Chip(directory) => {
                let file = line(directory, offset).join("value");
                let text = std::fs::read_to_string(&file);
                text.unwrap_or_else(|error| panic!("{}: {error}", file.display()))
                    .trim()
                    == "1"
            }
        }
    }
}

fn line(directory: &Path, offset: u32) -> PathBuf {
    directory.join(format!("sim_gpio{offset}"))
}

async fn post(router: &Router, path: &str, body: String) -> serde_json::Value {
    let request = Request::post(path).body(Body::from(body)).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}
