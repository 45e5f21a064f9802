from onhand.testing.contract import AddonContract


class TestContract(AddonContract):
    addon = "demo"
