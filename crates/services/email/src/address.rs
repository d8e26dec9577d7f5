//! Addresses as people write them, read strictly: what is accepted can neither begin a header nor end a command.

use lettre::Address;
use lettre::message::{Mailbox, Mailboxes};

/// Longest address list that is looked at.
const LONGEST: usize = 64 * 1024;
/// RFC 5321, section 4.5.3.1.3: a path has 256 octets at most, with its brackets.
const LONGEST_ADDRESS: usize = 254;
/// Longest name before an address.
const LONGEST_NAME: usize = 200;

/// Why a text is no list of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// A line break, or another character that nobody sees.
    #[error("it has line breaks or control characters")]
    Control,
    /// Not of the form `anna@example.org` or `Anna <anna@example.org>`.
    #[error("it is no mail address")]
    Form,
    /// Longer than any server takes.
    #[error("it is longer than 254 characters")]
    TooLong,
    /// A domain name that cannot be written in ASCII letters.
    #[error("its domain name is none")]
    Domain,
}

/// Reads one address.
///
/// # Errors
/// When there is none, or more than one.
pub fn one(text: &str) -> Result<Mailbox, BadAddress> {
    let mut read = list(text)?;
    match (read.pop(), read.is_empty()) {
        (Some(mailbox), true) => Ok(mailbox),
        _ => Err(BadAddress::Form),
    }
}

/// Reads addresses separated by commas. Domain names come back in ASCII letters (RFC 5890), so that only a local part
/// beyond ASCII needs a server with SMTPUTF8.
///
/// # Errors
/// At the first that is none.
pub fn list(text: &str) -> Result<Vec<Mailbox>, BadAddress> {
    // Before parsing: a parser that skips folded white space would let a header in.
    if text.chars().any(is_control) {
        return Err(BadAddress::Control);
    }
    if text.len() > LONGEST {
        return Err(BadAddress::TooLong);
    }
    let read: Mailboxes = text.trim().parse().map_err(|_| BadAddress::Form)?;
    read.into_iter().map(plain).collect()
}

/// Control characters, and the line and paragraph separators that some programs break lines at.
pub(crate) fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

fn plain(mailbox: Mailbox) -> Result<Mailbox, BadAddress> {
    let (user, domain) = (mailbox.email.user(), mailbox.email.domain());
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        idna::domain_to_ascii(domain).map_err(|_| BadAddress::Domain)?
    };
    // Quoted local parts may hold anything, decoded from what was checked above; none is in use.
    let email = Address::new(user, domain).map_err(|_| BadAddress::Form)?;
    let text: &str = email.as_ref();
    if text
        .chars()
        .any(|one| is_control(one) || matches!(one, ' ' | '<' | '>'))
    {
        return Err(BadAddress::Form);
    }
    if text.len() > LONGEST_ADDRESS {
        return Err(BadAddress::TooLong);
    }
    let name = mailbox
        .name
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.chars().any(is_control)) {
        return Err(BadAddress::Control);
    }
    if name.as_ref().is_some_and(|name| name.len() > LONGEST_NAME) {
        return Err(BadAddress::TooLong);
    }
    Ok(Mailbox::new(name, email))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<String>, BadAddress> {
        Ok(list(text)?
            .into_iter()
            .map(|mailbox| mailbox.email.to_string())
            .collect())
    }

    #[test]
    fn takes_what_people_write() {
        assert_eq!(
            read("Anna <anna@example.org>, b@example.org").unwrap(),
            ["anna@example.org", "b@example.org"]
        );
        assert_eq!(
            read("\"Kowalska, Anna\" <anna@example.org>").unwrap(),
            ["anna@example.org"]
        );
        assert_eq!(read("anna@żółw.pl").unwrap(), ["anna@xn--w-uga1v8h.pl"]);
        assert_eq!(read("żółw@example.org").unwrap(), ["żółw@example.org"]);
        assert_eq!(read("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn refuses_what_is_none() {
        for (text, reason) in [
            ("anna", BadAddress::Form),
            ("anna@", BadAddress::Form),
            ("@example.org", BadAddress::Form),
            ("anna@example.org\r\nBcc: eve@example.org", BadAddress::Control),
            ("anna@example.org\0", BadAddress::Control),
            ("anna@example.org\u{2028}x", BadAddress::Control),
            ("\"anna\r\"@example.org", BadAddress::Control),
            ("anna@example.org> SIZE=1", BadAddress::Form),
        ] {
            assert_eq!(read(text).unwrap_err(), reason, "{text:?}");
        }
        let long = format!("{}@example.org", "a".repeat(300));
        assert!(read(&long).is_err());
        assert!(one("a@example.org, b@example.org").is_err());
    }

    proptest! {
        /// Whatever is accepted stays one word of one SMTP command.
        #[test]
        fn an_accepted_address_is_one_word(text in "\\PC{0,40}@?[a-z<>\"\\\\ \r\n.,@]{0,30}") {
            for mailbox in list(&text).unwrap_or_default() {
                let email: &str = mailbox.email.as_ref();
                prop_assert!(!email.chars().any(|one| is_control(one) || " <>".contains(one)), "{email:?}");
                prop_assert!(mailbox.email.domain().is_ascii());
            }
        }
    }
}
