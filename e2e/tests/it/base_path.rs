//! The whole stack below a path of somebody's nginx: `location /board/`, as the guide says it. Login, pages, assets, the
//! live stream, forms with and without JavaScript, redirects and cookies stay below it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use pistack_e2e::stack::signal_process;
use pistack_e2e::{Stack, browser, command, until};

/// An nginx that shows a stack below `/board/`. Ended when dropped.
struct Nginx {
    child: Child,
    port: u16,
}

impl Nginx {
    fn before(stack: &Stack) -> Self {
        let folder = stack.folder().join("nginx");
        fs::create_dir_all(&folder).unwrap();
        let place = folder.display();
        // The kernel gives the port to nobody else within a moment.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let made = command("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .arg("-keyout")
            .arg(folder.join("key.pem"))
            .arg("-out")
            .arg(folder.join("cert.pem"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("    {name}_temp_path {place}/{name};\n"))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {place}/pid;\nevents {{}}\nhttp {{\n    access_log off;\n{temporary}    \
             server {{\n        listen 127.0.0.1:{port} ssl http2;\n        ssl_certificate {place}/cert.pem;\n        \
             ssl_certificate_key {place}/key.pem;\n        location / {{ return 200 \"the owner's own page\"; }}\n        \
             location /board/ {{\n            proxy_pass {backend}/;\n            proxy_ssl_verify off;\n            \
             proxy_http_version 1.1;\n            proxy_set_header Host $http_host;\n            \
             proxy_set_header Connection \"\";\n            proxy_set_header X-Forwarded-For \
             $proxy_add_x_forwarded_for;\n            proxy_set_header X-Forwarded-Proto $scheme;\n            \
             proxy_set_header X-Forwarded-Prefix /board;\n            proxy_buffering off;\n        }}\n    }}\n}}\n",
            backend = stack.https()
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let mut child = command("nginx")
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .arg("-p")
            .arg(&folder)
            .arg("-e")
            .arg(folder.join("log"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("nginx to listen", || {
            let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(child.try_wait().unwrap().is_none(), "nginx has ended: {}", log());
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self { child, port }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        signal_process("TERM", self.child.id());
        let _ = self.child.wait();
    }
}

#[test]
fn everything_works_below_a_path_of_somebodys_nginx() {
    let config = "[gateway]\ntrusted_proxies = [\"127.0.0.1\"]\nouter_paths = [\"/board\"]\n\
                  [program.camera]\ncommand = \"sleep 1000\"\nstartsecs = 0\n";
    let stack = Stack::builder().config("pistack.toml", config).start();
    stack.wait_state("camera", "RUNNING");
    let nginx = Nginx::before(&stack);
    let base = format!("https://127.0.0.1:{}/board", nginx.port);
    let said = browser::run("base_path.mjs", &[&base]);
    assert!(said.contains("all steps done"), "{said}");
}
