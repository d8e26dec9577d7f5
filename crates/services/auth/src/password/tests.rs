//! Tests of hashing, with parameters small enough to run often.

use proptest::prelude::*;

use super::*;

fn small() -> Hasher {
    Hasher::new(Some(64)).unwrap()
}

fn secret(text: &str) -> Password {
    Zeroizing::new(text.to_owned())
}

async fn check(hasher: &Hasher, password: &str, stored: Option<String>) -> Verdict {
    let permit = hasher.permit().await.unwrap();
    hasher.verify(permit, secret(password), stored).await.unwrap().1
}

#[tokio::test]
async fn a_password_verifies_and_no_other_does() {
    let hasher = small();
    let stored = hasher.hash(secret("zażółć gęślą 🔑")).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=64,t=5,p=1$"), "{stored}");
    assert_eq!(
        check(&hasher, "zażółć gęślą 🔑", Some(stored.clone())).await,
        Verdict::Right { rehashed: None }
    );
    assert_eq!(
        check(&hasher, "zażółć gęślą", Some(stored.clone())).await,
        Verdict::Wrong
    );
    assert_eq!(check(&hasher, "", Some(stored)).await, Verdict::Wrong);
}

#[tokio::test]
async fn a_password_is_the_same_from_every_keyboard() {
    let hasher = small();
    let (one, two) = (
        "za\u{17c}\u{f3}\u{142}\u{107}",
        "zaz\u{307}o\u{301}\u{142}c\u{301}",
    );
    for (made, written) in [(one, two), (two, one), (two, two)] {
        let stored = hasher.hash(secret(made)).await.unwrap();
        assert_eq!(
            check(&hasher, written, Some(stored)).await,
            Verdict::Right { rehashed: None }
        );
    }
    // a hash of the decomposed form, as the original would have made it, is replaced
    let mut salt = [0; Salt::RECOMMENDED_LENGTH];
    random::fill(&mut salt);
    let stored = argon2(&hasher.params)
        .hash_password_with_salt(two.as_bytes(), &salt)
        .unwrap()
        .to_string();
    assert_eq!(check(&hasher, one, Some(stored.clone())).await, Verdict::Wrong);
    let Verdict::Right {
        rehashed: Some(rehashed),
    } = check(&hasher, two, Some(stored)).await
    else {
        panic!("not let in");
    };
    assert_eq!(
        check(&hasher, one, Some(rehashed)).await,
        Verdict::Right { rehashed: None }
    );
}

#[tokio::test]
async fn two_hashes_of_one_password_differ() {
    let hasher = small();
    let (one, two) = (
        hasher.hash(secret("same")).await.unwrap(),
        hasher.hash(secret("same")).await.unwrap(),
    );
    assert_ne!(one, two);
}

#[tokio::test]
async fn an_older_hash_is_renewed() {
    let old = Hasher::new(Some(32)).unwrap().hash_now("pass phrase").unwrap();
    let hasher = small();
    let Verdict::Right { rehashed: Some(new) } = check(&hasher, "pass phrase", Some(old)).await else {
        panic!("the old hash verifies and is renewed");
    };
    assert!(new.contains("m=64,"));
    assert_eq!(
        check(&hasher, "pass phrase", Some(new)).await,
        Verdict::Right { rehashed: None }
    );
}

#[tokio::test]
async fn no_user_and_unreadable_hashes_are_wrong() {
    let hasher = small();
    assert_eq!(check(&hasher, "x", None).await, Verdict::Wrong);
    for stored in [
        "",
        "x",
        "$argon2id$",
        "scrypt:32768:8:1$salt$00ff",
        "$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ",
    ] {
        assert_eq!(
            check(&hasher, "x", Some(stored.to_owned())).await,
            Verdict::Wrong,
            "{stored}"
        );
    }
}

#[tokio::test]
async fn an_unknown_user_costs_as_much_as_a_wrong_password() {
    let clock = pistack_kit::clock::Clock::system();
    let hasher = Hasher::new(Some(8192)).unwrap();
    let stored = hasher.hash_now("pass phrase").unwrap();
    let mut times = [Duration::MAX; 2];
    for _ in 0..5 {
        for (index, stored) in [Some(stored.clone()), None].into_iter().enumerate() {
            let start = clock.monotonic();
            assert_eq!(check(&hasher, "wrong", stored).await, Verdict::Wrong);
            times[index] = times[index].min(clock.monotonic().saturating_sub(start));
        }
    }
    let (wrong, unknown) = (times[0].as_secs_f64(), times[1].as_secs_f64());
    assert!(
        unknown > wrong * 0.5 && unknown < wrong * 2.0,
        "wrong {wrong}, unknown {unknown}"
    );
}

#[tokio::test]
async fn the_queue_is_bounded_and_recovers() {
    let hasher = Arc::new(small());
    let held = hasher.permit().await.unwrap();
    let waiters: Vec<_> = (0..QUEUE + 4)
        .map(|_| {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.permit().await.map(drop) })
        })
        .collect();
    while hasher.waiting.load(Ordering::SeqCst) < QUEUE {
        tokio::task::yield_now().await;
    }
    drop(held);
    let mut busy = 0;
    for waiter in waiters {
        busy += usize::from(matches!(waiter.await.unwrap(), Err(Error::Busy)));
    }
    assert_eq!((busy, hasher.waiting.load(Ordering::SeqCst)), (4, 0));
    hasher.permit().await.unwrap();
}

#[test]
fn memory_follows_the_board() {
    for (meminfo, memory, passes) in [
        ("MemTotal:        7998712 kB\nMemFree: 1 kB\n", 19_456, 2),
        ("MemTotal:         944264 kB\n", 19_456, 2),
        ("MemTotal:         437900 kB\n", 12_288, 3),
        ("MemTotal:         240000 kB\n", 7_168, 5),
        ("", 12_288, 3),
        ("MemTotal: many kB", 12_288, 3),
    ] {
        let params = memory_class(meminfo).unwrap();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (memory, passes, 1),
            "{meminfo}"
        );
    }
}

proptest! {
    #[test]
    fn any_stored_text_is_survived(stored in "\\PC{0,80}") {
        let params = params_for(8).unwrap();
        prop_assert_eq!(verify(&params, "x", Some(&stored)).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn any_meminfo_gives_parameters(text in ".{0,200}") {
        prop_assert!(memory_class(&text).is_ok());
        let told = format!("MemTotal: {text}");
        prop_assert!(memory_class(&told).is_ok());
    }
}
