//! The filters that come with banner.

/// Name and text of each file of `config/filters.d` that is listed.
macro_rules! library {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../../config/filters.d/", $name, ".yaml")),
        )),*]
    };
}

/// The text of each built-in filter, by name, in alphabetical order.
const LIBRARY: &[(&str, &str)] = library![
    "apache-auth",
    "apache-badbots",
    "apache-botsearch",
    "apache-modevasive",
    "apache-modsecurity",
    "apache-nohome",
    "apache-noscript",
    "apache-overflows",
    "apache-w00tw00t",
    "asterisk",
    "courier-auth",
    "courier-smtp",
    "cyrus-imap",
    "dovecot",
    "dropbear",
    "exim",
    "exim-spam",
    "freeswitch",
    "gitlab",
    "grafana",
    "haproxy",
    "http-auth",
    "mongodb",
    "mysql",
    "named",
    "named-transfer",
    "nextcloud",
    "nginx-bad-request",
    "nginx-botsearch",
    "nginx-http-auth",
    "nginx-limit-req",
    "openvpn",
    "pam",
    "php-url-fopen",
    "phpmyadmin",
    "phpmyadmin-probe",
    "port-probe",
    "postfix",
    "postfix-sasl",
    "postgresql",
    "proftpd",
    "proxmox",
    "pure-ftpd",
    "qmail-smtp",
    "qmailadmin",
    "recidive",
    "redis",
    "roundcube",
    "roundcube-proxied",
    "sendmail-auth",
    "sendmail-reject",
    "sogo",
    "sshd",
    "traefik",
    "vaultwarden",
    "vpopmail",
    "vsftpd",
    "webmin",
    "wireguard",
    "wordpress",
    "wordpress-login",
];

/// The YAML of the built-in filter of this name.
pub fn library(name: &str) -> Option<&'static str> {
    let at = LIBRARY.binary_search_by_key(&name, |(known, _)| known);
    at.ok().map(|at| LIBRARY[at].1)
}

/// The names of the built-in filters, in alphabetical order.
pub fn library_names() -> impl Iterator<Item = &'static str> {
    LIBRARY.iter().map(|(name, _)| *name)
}
