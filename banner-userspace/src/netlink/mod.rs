//! What the kernel says of this machine's network: interfaces, own addresses, gateways, and who
//! holds the XDP slot of an interface.

mod dump;
mod features;
mod interface;
mod message;
mod watch;

use std::{io, net::IpAddr};

use netlink_packet_route::{
    RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
    link::LinkMessage,
    route::{RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia},
};

pub use features::native_xdp;
pub use interface::{Device, Interface, Master, XdpMode, XdpSlot};
pub use watch::Watch;

/// The network of the namespace that the process is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// All interfaces.
    pub interfaces: Vec<Interface>,
    /// The addresses of all interfaces.
    pub addresses: Vec<IpAddr>,
    /// The gateways of all default routes.
    pub gateways: Vec<IpAddr>,
    /// Indices of the interfaces that carry a default route, in ascending order.
    pub default_interfaces: Vec<u32>,
    /// What the kernel told of, and is missing here.
    pub not_understood: NotUnderstood,
    /// Whether it went on changing while it was read, so that something may be missing.
    pub unsettled: bool,
}

/// How many objects of each kind the parser does not understand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotUnderstood {
    /// Interfaces.
    pub interfaces: usize,
    /// Addresses of interfaces.
    pub addresses: usize,
    /// Default routes.
    pub routes: usize,
}

impl NotUnderstood {
    /// What is missing and what follows, in words; nothing if nothing is.
    pub fn problem(self) -> Option<String> {
        let kinds = [
            (self.interfaces, "interfaces"),
            (self.addresses, "addresses"),
            (self.routes, "default routes"),
        ];
        let counts = kinds.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts
            .map(|(count, kind)| format!("{count} {kind}"))
            .collect();
        (!counts.is_empty()).then(|| {
            format!(
                "of what the kernel says of the network, {} are not understood: own addresses and \
                 gateways among them can be banned unless the configuration ignores them",
                counts.join(", ")
            )
        })
    }
}

impl Network {
    /// Asks the kernel.
    pub fn read() -> io::Result<Self> {
        let interfaces = ask_for_interfaces()?;
        let addresses = dump::all(
            &RouteNetlinkMessage::GetAddress(AddressMessage::default()),
            |message| match message {
                RouteNetlinkMessage::NewAddress(address) => own_address(&address),
                _ => None,
            },
        )?;
        let routes = dump::all(
            &RouteNetlinkMessage::GetRoute(RouteMessage::default()),
            |message| match message {
                RouteNetlinkMessage::NewRoute(route) => Some(route),
                _ => None,
            },
        )?;
        let mut network = Self {
            not_understood: NotUnderstood {
                interfaces: interfaces.not_understood,
                addresses: addresses.not_understood,
                routes: routes.not_understood,
            },
            unsettled: interfaces.interrupted || addresses.interrupted || routes.interrupted,
            interfaces: interfaces.objects,
            addresses: addresses.objects,
            ..Self::default()
        };
        for route in &routes.objects {
            network.add_route(route);
        }
        for list in [&mut network.addresses, &mut network.gateways] {
            list.sort_unstable();
            list.dedup();
        }
        network.default_interfaces.sort_unstable();
        network.default_interfaces.dedup();
        Ok(network)
    }

    /// Asks for the interfaces alone: a machine may have a million routes.
    pub fn read_interfaces() -> io::Result<Vec<Interface>> {
        Ok(ask_for_interfaces()?.objects)
    }

    /// The interface of this name.
    pub fn by_name(&self, name: &str) -> Option<&Interface> {
        self.interfaces
            .iter()
            .find(|interface| interface.name == name)
    }

    /// The interface with this index.
    pub fn by_index(&self, index: u32) -> Option<&Interface> {
        self.interfaces
            .iter()
            .find(|interface| interface.index == index)
    }

    /// Addresses that must never be banned, because the machine could not be reached without them:
    /// its own, its gateways', loopback, and the unspecified one that hosts without an address use.
    pub fn indispensable(&self) -> impl Iterator<Item = ipnet::IpNet> {
        const ALWAYS: [&str; 4] = ["127.0.0.0/8", "::1/128", "0.0.0.0/32", "::/128"];
        let own = self.addresses.iter().chain(&self.gateways);
        let always = ALWAYS.into_iter().filter_map(|prefix| prefix.parse().ok());
        own.map(|&address| address.to_canonical().into())
            .chain(always)
    }

    fn add_route(&mut self, route: &RouteMessage) {
        if route.header.destination_prefix_length != 0 || route.header.kind != RouteType::Unicast {
            return;
        }
        for attribute in &route.attributes {
            match attribute {
                RouteAttribute::Gateway(gateway) => self.gateways.extend(route_address(gateway)),
                RouteAttribute::Via(via) => self.gateways.extend(via_address(via)),
                RouteAttribute::Oif(index) => self.default_interfaces.push(*index),
                RouteAttribute::MultiPath(hops) => {
                    for hop in hops {
                        self.default_interfaces.push(hop.interface_index);
                        for attribute in &hop.attributes {
                            match attribute {
                                RouteAttribute::Gateway(gateway) => {
                                    self.gateways.extend(route_address(gateway));
                                }
                                RouteAttribute::Via(via) => self.gateways.extend(via_address(via)),
                                _ => {}
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

fn ask_for_interfaces() -> io::Result<dump::Answer<Interface>> {
    dump::all(
        &RouteNetlinkMessage::GetLink(LinkMessage::default()),
        |message| match message {
            RouteNetlinkMessage::NewLink(link) => Interface::from_message(&link),
            _ => None,
        },
    )
}

fn own_address(message: &AddressMessage) -> Option<IpAddr> {
    // On a point-to-point link `Address` is the peer's and `Local` is ours.
    let find =
        |want: fn(&AddressAttribute) -> Option<IpAddr>| message.attributes.iter().find_map(want);
    find(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    })
    .or_else(|| {
        find(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })
}

fn route_address(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

fn via_address(via: &RouteVia) -> Option<IpAddr> {
    match via {
        RouteVia::Inet(address) => Some((*address).into()),
        RouteVia::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_found_and_its_address_is_indispensable() {
        let network = Network::read().unwrap();
        let lo = network.by_name("lo").expect("every namespace has lo");
        assert_eq!(network.by_index(lo.index), Some(lo));
        let indispensable: Vec<_> = network.indispensable().collect();
        let covers = |address: &str| {
            let address: IpAddr = address.parse().unwrap();
            indispensable.iter().any(|prefix| prefix.contains(&address))
        };
        assert!(covers("127.0.0.1") && covers("::1") && covers("0.0.0.0"));
        assert!(
            network
                .addresses
                .iter()
                .all(|address| covers(&address.to_string()))
        );
    }

    #[test]
    fn default_routes_of_all_kinds_name_their_gateways() {
        use netlink_packet_route::route::RouteNextHop;

        let mut route = RouteMessage::default();
        route.header.kind = RouteType::Unicast;
        route.attributes = vec![
            RouteAttribute::Oif(3),
            RouteAttribute::Via(RouteVia::Inet6("fe80::1".parse().unwrap())),
        ];
        let mut network = Network::default();
        network.add_route(&route);
        let mut hop = RouteNextHop::default();
        hop.interface_index = 4;
        hop.attributes = vec![RouteAttribute::Gateway(RouteAddress::Inet(
            [192, 0, 2, 1].into(),
        ))];
        route.attributes = vec![RouteAttribute::MultiPath(vec![hop])];
        network.add_route(&route);
        route.header.destination_prefix_length = 8;
        route.attributes = vec![RouteAttribute::Oif(9)];
        network.add_route(&route);
        assert_eq!(network.default_interfaces, [3, 4]);
        let gateways = ["fe80::1", "192.0.2.1"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(network.gateways, gateways);
    }

    #[test]
    fn what_is_not_understood_is_told_by_kind() {
        assert_eq!(NotUnderstood::default().problem(), None);
        let some = NotUnderstood {
            addresses: 2,
            routes: 1,
            ..NotUnderstood::default()
        };
        let problem = some.problem().unwrap();
        assert!(
            problem.contains("2 addresses, 1 default routes are"),
            "{problem}"
        );
    }
}
