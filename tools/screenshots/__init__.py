"""Pictures of every page, from 360 to 1600 pixels, light and dark: `make screenshots`."""
