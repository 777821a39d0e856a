"""What can be done with collections, releases and grants."""
