"""What has to be known of each array library. The modules here have the same functions; each is imported when its library is used."""
