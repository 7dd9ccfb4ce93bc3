"""What tests share: servers, sites, doubles' stages, judges."""
