"""Who asks: kinds of authenticators, one file each; they are plugins like any other."""
