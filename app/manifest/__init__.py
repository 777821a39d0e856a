"""The release format and its verification: pure, shared by the service and the partner's client."""
