//! Derives of hotshell.
