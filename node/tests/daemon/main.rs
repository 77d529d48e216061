//! A household's node as a whole, in this process and on real sockets: what it says when something is in its way, and
//! what its HTTP face shows that only the loop can know.

mod faults;
mod home;
mod shows;
