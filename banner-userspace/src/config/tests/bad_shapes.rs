//! Texts that are no configuration at all, and keys and values of the wrong shape.

use super::assert_said;

#[test]
fn a_text_that_is_not_yaml_is_refused_where_it_stops_being_it() {
    assert_said(&[
        (
            "",
            &[" the file is empty; it needs at least one jail under `jails`"],
        ),
        (
            "---\n",
            &[" the file is empty; it needs at least one jail under `jails`"],
        ),
        (
            "# jails:\n",
            &[" the file is empty; it needs at least one jail under `jails`"],
        ),
        (
            "jails:\n\ta: 1\n",
            &[
                "2:1: not valid YAML: found character that cannot start any token, while scanning for the next token; indent with spaces, not tabs",
            ],
        ),
        (
            "jails:\n  a: [1\n  b: 2\n",
            &[
                "3:4: not valid YAML: did not find expected ',' or ']', while parsing a flow sequence at line 2 column 6",
            ],
        ),
        (
            "jails: {}\n---\njails: {}\n",
            &["3:1: a second document begins here; a file holds one, so remove the `---`"],
        ),
        (
            "jails: {}\n]\n",
            &["2:1: not valid YAML: did not find expected key, while parsing a block mapping"],
        ),
        (
            "jails: {}\n...\n]\n",
            &["3:1: not valid YAML: did not find expected <document start>"],
        ),
        (
            "jails: *sshd\n",
            &["1:8: not valid YAML: unknown anchor; a text that begins with * needs quotes"],
        ),
        (
            "jails: @x\n",
            &[
                "1:8: not valid YAML: found character that cannot start any token, while scanning for the next token; a text that begins with this character needs quotes",
            ],
        ),
        (
            "jails: a: b\n",
            &[
                "1:9: not valid YAML: mapping values are not allowed in this context; check the indentation; a text that contains a colon and a space needs quotes",
            ],
        ),
        (
            "ignore: ['127.0.0.1]\n",
            &[
                "2:1: not valid YAML: found unexpected end of stream, while scanning a quoted scalar at line 1 column 10; the quote is not closed",
            ],
        ),
        (
            "jails:\n  a: \"\u{1}\"\n",
            &[
                "2:7: the character U+0001 is not allowed in YAML; in a text in double quotes write it as an escape",
            ],
        ),
        (
            "jails: {a: {filter: {fail: [\"\\d\"]}}}\n",
            &[
                "1:30: not valid YAML: found unknown escape character, while parsing a quoted scalar at line 1 column 29; put a regular expression in single quotes",
            ],
        ),
        (
            "? [a]\n: b\n",
            &["1:3: not valid YAML: invalid type: sequence, expected a key that is a text"],
        ),
        (
            "jails:\n    a: {}\n  b: {}\n",
            &["3:3: not valid YAML: did not find expected key, while parsing a block mapping"],
        ),
    ]);
}

#[test]
fn an_unknown_key_is_refused_with_the_key_that_was_meant() {
    assert_said(&[
        (
            "jials: {}",
            &["1:1: jials: unknown key; did you mean jails?"],
        ),
        (
            "colour: 22",
            &[
                "1:1: colour: unknown key; the keys of the main file are interfaces, enforce, notify, ignore, ignore_names, limits, store, defaults, jails, include",
            ],
        ),
        (
            "max_retry: 3",
            &["1:1: max_retry: not a key of the main file; it belongs in `defaults` or a jail"],
        ),
        (
            "jails: {a: {filter: sshd, logs: [/x], max_retyr: 3, port: 22}}",
            &[
                "1:39: jails.a.max_retyr: unknown key; did you mean max_retry?",
                "1:53: jails.a.port: unknown key; did you mean ports?",
            ],
        ),
        (
            "jails: {a: {filter: sshd, logpath: /x}}",
            &[
                "1:9: jails.a: logs is missing; give a list of absolute paths or patterns such as /var/log/auth.log or /var/log/nginx/*.log",
                "1:27: jails.a.logpath: unknown key; did you mean logs?",
            ],
        ),
        (
            "defaults: {bantime: 1h, findtime: 1h, maxretry: 1, ignoreip: x}",
            &[
                "1:12: defaults.bantime: unknown key; did you mean ban_time?",
                "1:25: defaults.findtime: unknown key; did you mean find_time?",
                "1:39: defaults.maxretry: unknown key; did you mean max_retry?",
                "1:52: defaults.ignoreip: unknown key; the keys of `defaults` are max_retry, find_time, ban_time, escalation, renew, mode, ports, prefix, count_by, names, notify",
            ],
        ),
        (
            "limits: {ban: 5}",
            &["1:10: limits.ban: unknown key; did you mean bans?"],
        ),
        (
            "defaults: {<<: {ban_time: 1h}}",
            &[
                "1:12: defaults.<<: merge keys are not supported; repeat the values, or put them in `defaults`",
            ],
        ),
        (
            "'\u{1b}[31m\u{7}': 1",
            &[
                "1:2: the character U+001B is not allowed in YAML; in a text in double quotes write it as an escape",
            ],
        ),
        (
            r#""\e[31m\a": 1"#,
            &[
                "1:1: \\u{1b}[31m\\u{7}: unknown key; the keys of the main file are interfaces, enforce, notify, ignore, ignore_names, limits, store, defaults, jails, include",
            ],
        ),
        (
            "? |\n  a\n  b\n: 1\n",
            &[
                "1:3: a\\nb\\n: unknown key; the keys of the main file are interfaces, enforce, notify, ignore, ignore_names, limits, store, defaults, jails, include",
            ],
        ),
    ]);
}

#[test]
fn a_value_of_the_wrong_shape_is_refused_with_the_right_one() {
    assert_said(&[
        (
            "[]",
            &["1:1: expected a mapping (key: value), found a list"],
        ),
        (
            "sshd",
            &["1:1: expected a mapping (key: value), found `sshd`"],
        ),
        (
            "defaults: 5",
            &["1:11: defaults: expected a mapping (key: value), found the number 5"],
        ),
        (
            "limits: []",
            &["1:9: limits: expected a mapping (key: value), found a list"],
        ),
        (
            "jails: [sshd]",
            &["1:8: jails: expected a mapping from the name of a jail to its keys, found a list"],
        ),
        (
            "jails: {a: sshd}",
            &["1:12: jails.a: expected a mapping (key: value), found `sshd`"],
        ),
        (
            "include: jails.d/*.yaml",
            &[
                "1:10: include: expected a list of paths or patterns, found `jails.d/*.yaml`; write [jails.d/*.yaml]",
            ],
        ),
        (
            "include: [5, {}, null]",
            &[
                "1:11: include[0]: expected a path or pattern, found the number 5; put it in quotes if it is meant",
                "1:14: include[1]: expected a path or pattern, found a mapping",
                "1:18: include[2]: expected a path or pattern, found nothing",
            ],
        ),
        (
            "defaults: {max_retry: , mode: , ban_time: [1h]}",
            &[
                "1:12: defaults.max_retry: has no value; give a whole number from 1 to 1000, or remove the key",
                "1:25: defaults.mode: has no value; give enforce or observe, or remove the key",
                "1:43: defaults.ban_time: expected the word permanent or a duration such as 10m, 1h30m, 1d or 2w, found a list",
            ],
        ),
        (
            "defaults: {max_retry: !very 5}",
            &[
                "1:23: defaults.max_retry: expected a whole number from 1 to 1000, found the tag !very; a text that begins with ! needs quotes",
            ],
        ),
        (
            "ignore: {a: b}",
            &[
                "1:9: ignore: expected a list of addresses and prefixes such as 192.0.2.7, 192.0.2.0/24 or \"2001:db8::/32\", found a mapping",
            ],
        ),
    ]);
}

#[test]
fn a_key_that_is_given_twice_is_refused_with_both_places() {
    assert_said(&[
        (
            "ignore: []\njails: {}\nignore: []\n",
            &["3:1: ignore: given twice; first at etc/banner.yaml:1:1"],
        ),
        (
            "defaults:\n  mode: observe\n  mode: observe\n  mode: observe\n",
            &[
                "3:3: defaults.mode: given twice; first at etc/banner.yaml:2:3",
                "4:3: defaults.mode: given twice; first at etc/banner.yaml:2:3",
            ],
        ),
    ]);
}
