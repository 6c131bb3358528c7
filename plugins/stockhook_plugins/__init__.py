"""The plugins that come with stockhook; they know of it what `stockhook.plugin` offers, like anyone's."""
