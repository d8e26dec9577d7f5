//! The Settings page: channels, certificates, copies of the accounts, routes, language and theme, version. A part that
//! the person may not see is not there; one whose service does not answer says so.

use askama::Template;

use crate::gpio::Look;
use crate::inert;
use crate::moment::Moment;
use crate::upstream::channels::Channel;
use crate::upstream::gateway::{Certificate, Route, Tls};
use crate::upstream::people::Backup;
use crate::visit::Visit;
use crate::words::Words;

/// A part of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part<T> {
    /// Not for this person.
    Hidden,
    /// Nobody answered.
    Down,
    Shown(T),
}

/// A channel's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelRow {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) kind: String,
    pub(crate) to: String,
    pub(crate) look: Look,
    pub(crate) detail: String,
    pub(crate) at: Option<Moment>,
    pub(crate) waiting: i64,
    pub(crate) can_test: bool,
}

/// A certificate's card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateRow {
    pub(crate) title: &'static str,
    pub(crate) shown: bool,
    pub(crate) names: String,
    pub(crate) issuer: String,
    pub(crate) until: Moment,
    pub(crate) left: String,
    pub(crate) look: Look,
    pub(crate) fingerprint: String,
    pub(crate) problem: Option<String>,
}

/// Certificates, and the page where a device comes to trust them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsCard {
    pub(crate) rows: Vec<CertificateRow>,
    pub(crate) page: Option<String>,
    pub(crate) qr_svg: Option<String>,
}

/// Backup of the accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopiesCard {
    pub(crate) supported: bool,
    pub(crate) kept: u32,
    pub(crate) rows: Vec<CopyRow>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyRow {
    pub(crate) number: u64,
    pub(crate) path: String,
    pub(crate) size: String,
    pub(crate) made: Option<Moment>,
}

/// A route's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RouteRow {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) to: String,
    pub(crate) auth: String,
    pub(crate) requests: String,
    pub(crate) errors: String,
    pub(crate) down: bool,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "settings.html")]
pub(crate) struct SettingsPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) told: Option<String>,
    pub(crate) problem: Option<String>,
    pub(crate) channels: Part<Vec<ChannelRow>>,
    pub(crate) tls: Part<TlsCard>,
    pub(crate) has_authority: bool,
    pub(crate) copies: Part<CopiesCard>,
    pub(crate) routes: Part<Vec<RouteRow>>,
    pub(crate) version: &'static str,
}

/// A channel's row; `can_test` says whether the person may send through it.
pub(crate) fn channel_row(channel: &Channel, can_test: bool, t: &Words) -> ChannelRow {
    let look = match channel.last_state.as_deref() {
        Some("sent") => Look {
            icon: "circle-check",
            word: t.set_sent,
            class: "ok",
        },
        Some("handed_over") => Look {
            icon: "circle-check",
            word: t.set_handed_over,
            class: "ok",
        },
        Some("waiting") => Look {
            icon: "hourglass",
            word: t.set_waiting,
            class: "busy",
        },
        Some("failed") => Look {
            icon: "circle-x",
            word: t.set_failed,
            class: "bad",
        },
        _ => Look {
            icon: "circle-dashed",
            word: t.set_unused,
            class: "idle",
        },
    };
    ChannelRow {
        name: inert::line(&channel.name),
        address: percent_encoding::utf8_percent_encode(&channel.name, percent_encoding::NON_ALPHANUMERIC)
            .to_string(),
        kind: inert::line(&channel.kind),
        to: inert::line(&channel.to),
        look,
        detail: inert::line(channel.last_detail.as_deref().unwrap_or_default()),
        at: channel.last_at.map(|at| Moment::at(at, t.lang())),
        waiting: channel.waiting,
        can_test,
    }
}

/// The certificates. The gateway's drawing is taken over only if it is nothing but a drawing.
pub(crate) fn tls_card(tls: &Tls, now: i64, t: &Words) -> TlsCard {
    let page = tls
        .page
        .as_deref()
        .filter(|page| page.starts_with("http://") || page.starts_with("https://"));
    TlsCard {
        rows: tls
            .certificates
            .iter()
            .map(|one| certificate_row(one, now, t))
            .collect(),
        page: page.map(inert::line),
        qr_svg: tls.qr_svg.clone().filter(|svg| page.is_some() && is_drawing(svg)),
    }
}

/// One `svg` element with one `path` and texts of ours in its attributes: nothing that could run.
fn is_drawing(svg: &str) -> bool {
    let lower = svg.to_ascii_lowercase();
    lower.starts_with("<svg ")
        && lower.trim_end().ends_with("</svg>")
        && ![
            "<script",
            "<foreignobject",
            "<a ",
            "<image",
            "<use",
            "<style",
            "javascript:",
            " on",
        ]
        .iter()
        .any(|bad| lower.contains(bad))
}

fn certificate_row(one: &Certificate, now: i64, t: &Words) -> CertificateRow {
    let days = (one.not_after - now) / 86_400;
    let look = if one.problem.is_some() || one.not_after <= now {
        Look {
            icon: "circle-x",
            word: t.set_bad,
            class: "bad",
        }
    } else if days < 21 {
        Look {
            icon: "hourglass",
            word: t.set_soon,
            class: "busy",
        }
    } else {
        Look {
            icon: "circle-check",
            word: t.set_good,
            class: "ok",
        }
    };
    CertificateRow {
        title: match one.kind.as_str() {
            "root" => t.set_root,
            "local" => t.set_local,
            "configured" => t.set_configured,
            "imported" => t.set_imported,
            _ => t.set_acme,
        },
        shown: one.shown,
        names: inert::line(&one.names.join(", ")),
        issuer: inert::line(&one.issuer),
        until: Moment::at(one.not_after, t.lang()),
        left: t.set_days_left(days.max(0)),
        look,
        fingerprint: inert::line(&one.fingerprint),
        problem: one.problem.as_deref().map(inert::line),
    }
}

/// Backup of the accounts.
pub(crate) fn copies_card(copies: &Backup, t: &Words) -> CopiesCard {
    CopiesCard {
        supported: copies.supported,
        kept: copies.kept,
        rows: copies
            .copies
            .iter()
            .map(|copy| CopyRow {
                number: copy.number,
                path: inert::line(&copy.path),
                size: t.lang().bytes(copy.bytes),
                made: copy.made_at.map(|at| Moment::at(at, t.lang())),
            })
            .collect(),
    }
}

/// A route.
pub(crate) fn route_row(route: &Route, t: &Words) -> RouteRow {
    let lang = t.lang();
    let count = |number: u64| lang.integer(i64::try_from(number).unwrap_or(i64::MAX));
    let hosts = route.hosts.join(", ");
    RouteRow {
        name: inert::line(&route.name),
        path: inert::line(&if hosts.is_empty() {
            route.path.clone()
        } else {
            format!("{hosts} {}", route.path)
        }),
        to: inert::line(&route.to),
        auth: inert::line(route.auth.as_deref().unwrap_or_default()),
        requests: count(route.requests),
        errors: count(route.errors),
        down: route.down_since.as_ref().is_some_and(|since| !since.is_null()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn only_a_drawing_is_taken_over() {
        assert!(is_drawing(
            "<svg viewBox=\"0 0 9 9\" role=\"img\"><path d=\"M0 0h1v1h-1z\"/></svg>"
        ));
        for bad in [
            "<svg ><script>x</script></svg>",
            "<svg onload=\"x\"></svg>",
            "<svg ><a href=\"x\"></a></svg>",
            "<b></b>",
            "<svg ><image/></svg>",
        ] {
            assert!(!is_drawing(bad), "{bad}");
        }
        let tls = Tls {
            page: Some("javascript:alert(1)".into()),
            qr_svg: Some("<svg viewBox=\"0 0 1 1\"></svg>".into()),
            ..Tls::default()
        };
        let card = tls_card(&tls, 0, Lang::English.words());
        assert_eq!((card.page, card.qr_svg), (None, None));
    }

    #[test]
    fn a_certificate_s_end_is_said_in_words() {
        let t = Lang::English.words();
        let row = |not_after, problem: Option<&str>| {
            let one = Certificate {
                kind: "local".into(),
                not_after,
                problem: problem.map(str::to_owned),
                ..Certificate::default()
            };
            certificate_row(&one, 1_000_000, t).look.class
        };
        let day = 86_400;
        assert_eq!(row(1_000_000 + 90 * day, None), "ok");
        assert_eq!(row(1_000_000 + 20 * day, None), "busy");
        assert_eq!(
            [row(1_000_000, None), row(1_000_000 + 90 * day, Some("x"))],
            ["bad"; 2]
        );
    }
}
