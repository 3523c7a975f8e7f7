"""What a sessions API says, means and promises."""
