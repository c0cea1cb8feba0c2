"""The filters that come with the gateway, one file each; they are plugins like any other."""
