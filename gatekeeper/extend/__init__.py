"""How parts join the gateway, the built-in ones included: moments (hooks), kinds (catalog), and the loading of both."""
