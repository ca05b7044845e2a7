namespace java shop
