//! Name servers: `/etc/resolv.conf` (resolv.conf(5)), and behind systemd-resolved's stub the file that names the
//! real ones (systemd-resolved.service(8)).

use serde::Serialize;
use utoipa::ToSchema;

use super::files::Tree;

/// Who turns names into addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Dns {
    /// The name servers that are asked in the end.
    #[schema(example = json!(["192.168.1.1"]))]
    pub(crate) servers: Vec<String>,
    /// Domains that short names are looked for in.
    pub(crate) search: Vec<String>,
    /// The local resolver that programs ask, where there is one.
    #[schema(example = "127.0.0.53")]
    pub(crate) stub: Option<String>,
}

/// Where systemd-resolved names the servers behind its stub.
const BEHIND: &str = "run/systemd/resolve/resolv.conf";

/// Reads both files.
pub(crate) fn read(tree: &Tree) -> Dns {
    let dns = tree
        .text("etc/resolv.conf")
        .map_or_else(Dns::default, |text| resolv_conf(&text));
    match &*dns.servers {
        [stub] if stub == "127.0.0.53" || stub == "127.0.0.54" => {
            let stub = Some(stub.clone());
            match tree.text(BEHIND) {
                Some(text) => Dns {
                    stub,
                    ..resolv_conf(&text)
                },
                None => Dns { stub, ..dns },
            }
        }
        _ => dns,
    }
}

/// Reads the text of a `resolv.conf`. The last `search` or `domain` counts.
pub(crate) fn resolv_conf(text: &str) -> Dns {
    let mut dns = Dns::default();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("nameserver") => dns.servers.extend(words.next().map(str::to_owned)),
            Some("search" | "domain") => dns.search = words.map(str::to_owned).collect(),
            _ => {}
        }
    }
    dns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_behind_a_stub_are_named() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        assert_eq!(read(&tree), Dns::default());
        std::fs::create_dir_all(tree.path("etc")).unwrap();
        std::fs::create_dir_all(tree.path("run/systemd/resolve")).unwrap();
        std::fs::write(
            tree.path("etc/resolv.conf"),
            "# made by\nnameserver 127.0.0.53\noptions edns0\nsearch .\n",
        )
        .unwrap();
        assert_eq!(read(&tree).servers, ["127.0.0.53"]);
        std::fs::write(
            tree.path(BEHIND),
            "nameserver 192.168.1.1\nnameserver fe80::1%eth0\nsearch lan home\nnameserver\n",
        )
        .unwrap();
        let dns = read(&tree);
        assert_eq!(dns.servers, ["192.168.1.1", "fe80::1%eth0"]);
        assert_eq!((dns.search.len(), dns.stub.as_deref()), (2, Some("127.0.0.53")));
    }
}
