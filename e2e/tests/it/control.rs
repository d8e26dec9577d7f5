//! The dashboard in Chromium: setup, login, a restart seen live, the pages looked at by axe.

use pistack_e2e::{Stack, browser, root};

#[test]
fn setup_login_restart_seen_live() {
    let config = "[program.camera]\ncommand = \"sleep 1000\"\nstartsecs = 0\n\
                  [program.feeder]\ncommand = \"sh -c 'echo pyhton3: no such program >&2; sleep 1; exit 127'\"\n\
                  startsecs = 0\nautorestart = false\n";
    let stack = Stack::builder()
        .no_account()
        .config("pistack.toml", config)
        .start();
    stack.wait_state("camera", "RUNNING");
    stack.wait_state("feeder", "EXITED");
    let code = std::fs::read_to_string(stack.state().join("secrets/setup_code")).unwrap();
    let pictures = root().join("e2e/artifacts");
    std::fs::create_dir_all(&pictures).unwrap();
    let said = browser::run(
        "dashboard.mjs",
        &[stack.https(), code.trim(), &pictures.display().to_string()],
    );
    assert!(said.contains("all steps done"), "{said}");
    assert!(
        !stack.state().join("secrets/setup_code").exists(),
        "the code works once"
    );
}

#[test]
fn pages_need_a_login_and_forms_need_our_origin() {
    let stack = Stack::start();
    let page = stack.get("/control/");
    assert!(page.status == 302 || page.status == 303, "{page:?}");
    assert!(
        page.header("location")
            .is_some_and(|place| place.contains("login")),
        "{page:?}"
    );
    let csrf = stack.request(
        &[
            "-X",
            "POST",
            "-H",
            "Origin: https://evil.example.org",
            "-H",
            "Sec-Fetch-Site: cross-site",
            "-d",
            "name=root&password=x",
        ],
        "/control/login",
    );
    assert_eq!(csrf.status, 403, "{csrf:?}");
    let login = stack.request(&["-L"], "/control/login");
    let policy = login.header("content-security-policy").unwrap_or_default();
    assert!(
        policy.contains("default-src 'self'") && !policy.contains("unsafe-inline"),
        "{policy}"
    );
}
