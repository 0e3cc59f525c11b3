//! What is read out of a URL, what is refused, and what a redirect changes.

use super::*;

fn target(url: &str) -> Target {
    Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

#[test]
fn a_url_is_taken_apart() {
    // URL, secure, host, port, authority, target
    let cases = [
        ("ws://h", false, "h", 80, "h", "/"),
        ("wss://h", true, "h", 443, "h", "/"),
        ("http://h/x", false, "h", 80, "h", "/x"),
        ("https://h/x", true, "h", 443, "h", "/x"),
        (
            "WSS://Example.COM/Chat",
            true,
            "example.com",
            443,
            "example.com",
            "/Chat",
        ),
        ("ws://h:80/", false, "h", 80, "h", "/"),
        ("wss://h:443/", true, "h", 443, "h", "/"),
        ("http://h:80/", false, "h", 80, "h", "/"),
        ("https://h:443/", true, "h", 443, "h", "/"),
        ("ws://h:443/", false, "h", 443, "h:443", "/"),
        ("wss://h:80/", true, "h", 80, "h:80", "/"),
        ("https://h:80/", true, "h", 80, "h:80", "/"),
        ("ws://h:/", false, "h", 80, "h", "/"),
        ("ws://h:65535/", false, "h", 65535, "h:65535", "/"),
        (
            "ws://127.0.0.1:9",
            false,
            "127.0.0.1",
            9,
            "127.0.0.1:9",
            "/",
        ),
        ("ws://[::1]", false, "::1", 80, "[::1]", "/"),
        (
            "wss://[2001:DB8:0::1]:9/",
            true,
            "2001:db8::1",
            9,
            "[2001:db8::1]:9",
            "/",
        ),
        ("ws://h?q=1", false, "h", 80, "h", "/?q=1"),
        ("ws://h/?", false, "h", 80, "h", "/?"),
        ("ws://h/a/../b//c?x=/?y", false, "h", 80, "h", "/b//c?x=/?y"),
        (
            "ws://h/a b%20c%2f?d e",
            false,
            "h",
            80,
            "h",
            "/a%20b%20c%2f?d%20e",
        ),
        ("ws://h/%23?%23", false, "h", 80, "h", "/%23?%23"),
        (
            "ws://bücher.example/ü",
            false,
            "xn--bcher-kva.example",
            80,
            "xn--bcher-kva.example",
            "/%C3%BC",
        ),
    ];
    for (url, secure, host, port, authority, path) in cases {
        let parsed = target(url);
        assert_eq!(parsed.is_secure(), secure, "{url}");
        assert_eq!(parsed.host(), host, "{url}");
        assert_eq!(parsed.port(), port, "{url}");
        assert_eq!(parsed.authority(), authority, "{url}");
        assert_eq!(parsed.target(), path, "{url}");
        assert_eq!(parsed.credentials(), None, "{url}");
    }
}

#[test]
fn credentials_are_decoded_and_not_part_of_the_authority() {
    let cases = [
        ("ws://user@h/", Some(("user", ""))),
        ("ws://user:@h/", Some(("user", ""))),
        ("ws://:secret@h/", Some(("", "secret"))),
        ("ws://user:secret@h/", Some(("user", "secret"))),
        (
            "ws://us%20er:p%40ss%3Aword%2F@h/",
            Some(("us er", "p@ss:word/")),
        ),
        ("ws://user:a:b@h/", Some(("user", "a:b"))),
        ("ws://j%C3%BCrgen:100%25@h/", Some(("jürgen", "100%"))),
        ("ws://@h/", None),
        ("ws://:@h/", None),
    ];
    for (url, credentials) in cases {
        let parsed = target(url);
        assert_eq!(parsed.credentials(), credentials, "{url}");
        assert_eq!(parsed.authority(), "h", "{url}");
        assert_eq!(parsed.target(), "/", "{url}");
    }
}

#[test]
fn what_is_no_websocket_url_is_refused() {
    use TargetError::{
        Credentials, ForbiddenCharacter, Fragment, Malformed, NoHost, UnsupportedScheme,
    };
    let cases = [
        ("", Malformed(ParseError::RelativeUrlWithoutBase)),
        ("h/chat", Malformed(ParseError::RelativeUrlWithoutBase)),
        ("//h/chat", Malformed(ParseError::RelativeUrlWithoutBase)),
        ("ws://h:65536/", Malformed(ParseError::InvalidPort)),
        ("ws://h:x/", Malformed(ParseError::InvalidPort)),
        ("ws://[::1/", Malformed(ParseError::InvalidIpv6Address)),
        ("ws://256.0.0.1/", Malformed(ParseError::InvalidIpv4Address)),
        ("ws://a b/", Malformed(ParseError::IdnaError)),
        ("ftp://h/", UnsupportedScheme),
        ("mailto:user@h", UnsupportedScheme),
        ("localhost:8080", UnsupportedScheme),
        ("ws://h/#", Fragment),
        ("ws://h/#part", Fragment),
        ("ws://h#part", Fragment),
        ("wss://h/?q#part", Fragment),
        ("ws:", NoHost),
        ("ws:h/", NoHost),
        ("ws:h://", NoHost),
        ("ws:/h", NoHost),
        ("ws://", NoHost),
        ("ws:///", NoHost),
        ("ws:///chat", NoHost),
        ("ws://?q", NoHost),
        ("ws://:80/", NoHost),
        ("ws://user@/", NoHost),
        ("ws://user@:80/", NoHost),
        ("ws://h/\r\nX: y", ForbiddenCharacter),
        ("ws://h\n/", ForbiddenCharacter),
        ("ws://h/a\tb", ForbiddenCharacter),
        ("ws://h/\0", ForbiddenCharacter),
        ("ws://h/\x7f", ForbiddenCharacter),
        ("\nws://h/", ForbiddenCharacter),
        ("ws://h\\@other/", ForbiddenCharacter),
        ("ws:\\\\h/", ForbiddenCharacter),
        ("ws://%ff@h/", Credentials),
        ("ws://user:%ff@h/", Credentials),
        ("ws://us%3Aer:secret@h/", Credentials),
        ("ws://user:a%0D%0Ab@h/", Credentials),
        ("ws://us%00er@h/", Credentials),
    ];
    for (url, error) in cases {
        assert_eq!(Target::parse(url), Err(error), "{url:?}");
    }
}

#[test]
fn an_encoded_line_break_stays_encoded_in_the_target() {
    assert_eq!(target("ws://h/a%0D%0Ab").target(), "/a%0D%0Ab");
}

#[test]
fn the_password_is_never_printed() {
    let parsed = target("wss://user:secret@h/chat");
    assert_eq!(parsed.to_string(), "wss://h/chat");
    assert_eq!(format!("{parsed:?}"), r#"Target("wss://h/chat")"#);
}

#[test]
fn a_location_is_resolved_against_the_target() {
    let cases = [
        ("ws://h/a/b?q", "c", "ws://h/a/c"),
        ("ws://h/a/b?q", "/c?r", "ws://h/c?r"),
        ("ws://h/a/b?q", "?r", "ws://h/a/b?r"),
        ("ws://h/a/b?q", "", "ws://h/a/b?q"),
        ("ws://h:9/a", "../c", "ws://h:9/c"),
        ("ws://h:9/a", "//other/c", "ws://other/c"),
        ("wss://h:9/a", "//other/c", "wss://other/c"),
        ("ws://h/a", "wss://h/a", "wss://h/a"),
        ("ws://h/a", "https://other/c", "wss://other/c"),
        ("ws://h/a", "http://other/c", "ws://other/c"),
        ("wss://h/a", "https://other:80/c", "wss://other:80/c"),
    ];
    for (base, location, expected) in cases {
        let joined = target(base).join(location).unwrap();
        assert_eq!(joined, target(expected), "{base} to {location:?}");
    }
}

#[test]
fn a_location_that_leads_astray_is_refused() {
    use TargetError::{
        Downgrade, ForbiddenCharacter, Fragment, Malformed, NoHost, UnsupportedScheme,
    };
    let cases = [
        ("wss://h/", "ws://h/", Downgrade),
        ("wss://h/", "http://h/", Downgrade),
        ("https://h/", "ws://h:443/", Downgrade),
        ("ws://h/", "ftp://h/", UnsupportedScheme),
        ("ws://h/", "/a#part", Fragment),
        ("ws://h/", "ws://other/#", Fragment),
        ("ws://h/", "ws:other", NoHost),
        ("ws://h/", "///other", NoHost),
        ("ws://h/", "//", NoHost),
        ("ws://h/", "/\\other", ForbiddenCharacter),
        ("ws://h/", "/a\r\nb", ForbiddenCharacter),
        ("ws://h/", "ws://other/a\nb", ForbiddenCharacter),
        ("ws://h/", "//other:x/", Malformed(ParseError::InvalidPort)),
    ];
    for (base, location, error) in cases {
        assert_eq!(
            target(base).join(location),
            Err(error),
            "{base} to {location:?}"
        );
    }
}

#[test]
fn credentials_do_not_follow_to_another_host() {
    let kept = Some(("user", "secret"));
    let cases = [
        ("ws://user:secret@h/", "/b", kept),
        ("ws://user:secret@h/", "ws://H/b", kept),
        ("ws://user:secret@h/", "//h:80/b", kept),
        ("ws://user:secret@h/", "wss://h/b", kept),
        ("ws://user:secret@h:9/", "wss://h:9/b", kept),
        ("ws://user:secret@h/", "ws://other/b", None),
        ("ws://user:secret@h/", "//other/b", None),
        ("ws://user:secret@h/", "ws://sub.h/b", None),
        ("ws://user:secret@h/", "ws://h:81/b", None),
        ("ws://user:secret@h/", "wss://h:444/b", None),
        ("ws://user:secret@h/", "ws://h:443/b", None),
        ("ws://user:secret@h:9/", "wss://h/b", None),
        (
            "ws://user:secret@h/",
            "ws://her:own@other/b",
            Some(("her", "own")),
        ),
        (
            "ws://user:secret@h/",
            "ws://new:one@h/b",
            Some(("new", "one")),
        ),
    ];
    for (base, location, credentials) in cases {
        let joined = target(base).join(location).unwrap();
        assert_eq!(joined.credentials(), credentials, "{base} to {location}");
    }
}
