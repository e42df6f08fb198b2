//! Parameters and parts of filters.

use super::{assert_said, load, said};

const FILTER: &str = "\
parameters:
  mode: { default: normal, values: [normal, aggressive] }
  word: { default: login }
parts:
  who: 'for %{name} from <HOST>'
  name: '(?P<user>\\S+)'
fail:
  - '^%{word} failed %{who}$'
  - { pattern: '^reset %{who}$', when: { mode: aggressive } }
samples:
  - { line: 'login failed for bob from 192.0.2.7', fail: 192.0.2.7, user: bob, when: { word: login } }
  - { line: 'reset for bob from 192.0.2.7', pass: true, when: { mode: normal } }
  - { line: 'reset for bob from 192.0.2.7', fail: 192.0.2.7, when: { mode: [aggressive] } }
";

#[test]
fn each_choice_of_parameters_is_a_filter_of_its_own() {
    let main = "jails:\n  \
        a: {logs: [/x], filter: own}\n  \
        b: {logs: [/x], filter: {use: own, mode: aggressive}}\n  \
        c: {logs: [/x], filter: {use: own, mode: aggressive}}\n  \
        d: {logs: [/x], filter: {use: own, word: Anmeldung}}\n";
    let config = load(&[
        ("etc/banner.yaml", main),
        ("etc/filters.d/own.yaml", FILTER),
    ]);
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    let filters = config.jails.iter().filter_map(|jail| jail.filter.as_ref());
    let filters: Vec<_> = filters.collect();
    assert!(std::sync::Arc::ptr_eq(filters[1], filters[2]));
    for (filter, fail, samples) in [(0, 1, 2), (1, 2, 2), (3, 1, 1)] {
        let filter = filters[filter];
        assert_eq!(filter.spec().fail.len(), fail);
        assert_eq!(filter.check_samples(), (samples, Vec::new()));
    }
    assert_eq!(
        filters[3].spec().fail,
        ["^Anmeldung failed for (?P<user>\\S+) from <HOST>$"]
    );
}

#[test]
fn wrong_choices_are_reported_where_they_are_made() {
    for (filter, expected) in [
        (
            "{use: own, mode: lax}",
            "etc/banner.yaml:1:50: mode: `lax` is none of its values: normal, aggressive",
        ),
        (
            "{use: own, node: normal}",
            "etc/banner.yaml:1:44: node: no parameter has this name; there are: mode, word",
        ),
        (
            "{use: ../own}",
            "etc/banner.yaml:1:39: jails.a.filter.use: `../own` is no name of a filter: it has 1 to \
             64 letters, digits, dots, underscores and hyphens, no leading dot and no two dots in a \
             row",
        ),
    ] {
        let main = format!("jails: {{a: {{logs: [/x], filter: {filter}}}}}");
        let said = said(&[
            ("etc/banner.yaml", &main),
            ("etc/filters.d/own.yaml", FILTER),
        ]);
        assert_eq!(said.first().map(String::as_str), Some(expected));
    }
}

#[test]
fn wrong_parameters_and_parts_are_reported_where_they_stand() {
    assert_said(&[
        (
            "jails:\n  a:\n    logs: [/x]\n    filter:\n      parameters: {m: {default: x, values: [y]}}\n      fail: ['<HOST>']\n",
            &["5:33: jails.a.filter.parameters.m: the default is none of its values: y"],
        ),
        (
            "jails:\n  a:\n    logs: [/x]\n    filter:\n      parts: {a: '%{b}', b: '%{a}'}\n      fail: ['<HOST>%{a}', '<HOST>%{c}', '<HOST>%{']\n",
            &[
                "6:14: jails.a.filter.fail[0]: %{a} stands in itself",
                "6:28: jails.a.filter.fail[1]: %{c} stands for nothing: the filter has no part and no parameter of that name; write %\\{ for the characters",
                "6:42: jails.a.filter.fail[2]: %{ without a }; write %\\{ for the characters",
            ],
        ),
        (
            "jails:\n  a:\n    logs: [/x]\n    filter:\n      fail: [{pattern: '<HOST>', when: {m: x}}]\n",
            &["5:41: jails.a.filter.fail[0]: the filter has no parameter m"],
        ),
    ]);
}
