//! `Accept-Encoding` (RFC 9110 section 12.5.3).

use http::header::{ACCEPT_ENCODING, HeaderMap};

/// How an answer may be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Zstd,
    /// Only where a file lies there compressed.
    Brotli,
    Gzip,
}

impl Encoding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Of a file that lies beside the plain one.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Zstd => "zst",
            Self::Brotli => "br",
            Self::Gzip => "gz",
        }
    }
}

/// What a client takes: a weight from 0 to 1000 for each encoding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    zstd: u16,
    brotli: u16,
    gzip: u16,
}

impl Accepted {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let [mut zstd, mut brotli, mut gzip, mut any] = [None; 4];
        let items = headers
            .get_all(ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(','));
        for item in items {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts
                .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                .map_or(1000, weight);
            let place = match name {
                "zstd" => &mut zstd,
                "br" => &mut brotli,
                "gzip" | "x-gzip" => &mut gzip,
                "*" => &mut any,
                _ => continue,
            };
            *place = Some(weight);
        }
        let weight = |own: Option<u16>| own.or(any).unwrap_or_default();
        Self {
            zstd: weight(zstd),
            brotli: weight(brotli),
            gzip: weight(gzip),
        }
    }

    pub(crate) fn weight(self, encoding: Encoding) -> u16 {
        match encoding {
            Encoding::Zstd => self.zstd,
            Encoding::Brotli => self.brotli,
            Encoding::Gzip => self.gzip,
        }
    }

    /// The one that the client likes best; the first of those that it likes equally.
    pub(crate) fn best_of(self, known: &[Encoding]) -> Option<Encoding> {
        let mut best = None;
        for encoding in known {
            let weight = self.weight(*encoding);
            if weight > best.map_or(0, |(weight, _)| weight) {
                best = Some((weight, *encoding));
            }
        }
        best.map(|(_, encoding)| encoding)
    }
}

/// `0.5` as 500. What is no weight counts as "not at all".
fn weight(text: &str) -> u16 {
    match text.parse::<f32>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1000.0) as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Brotli, Gzip, Zstd};

    #[test]
    fn the_client_chooses() {
        let best = |text: &'static str| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, text.parse().unwrap())]);
            Accepted::of(&headers).best_of(&[Zstd, Brotli, Gzip])
        };
        for (text, expected) in [
            ("gzip, deflate, br, zstd", Some(Zstd)),
            ("gzip, deflate, br", Some(Brotli)),
            ("gzip", Some(Gzip)),
            ("x-gzip", Some(Gzip)),
            ("gzip;q=1.0, zstd;q=0.5", Some(Gzip)),
            ("gzip; q=0, *", Some(Zstd)),
            ("*;q=0.1, zstd;q=0", Some(Brotli)),
            ("identity", None),
            ("gzip;q=0", None),
            ("gzip;q=2", None),
            ("gzip;q=x", None),
            ("deflate", None),
            ("", None),
        ] {
            assert_eq!(best(text), expected, "{text}");
        }
        assert_eq!(Accepted::of(&HeaderMap::new()), Accepted::default());
    }
}
