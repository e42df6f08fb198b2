//! Jails of fail2ban's own configuration, imported, against the daemons that they are for.

mod nginx;
mod scene;
mod site;
mod stock;
mod vsftpd;
