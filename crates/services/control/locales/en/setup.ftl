### The first start.

setup-title = First start
setup-lead = Make the first account. It has the level Root and may do everything.
setup-code = Setup code
setup-code-hint = It was printed by pistack up and stands in the file secrets/setup_code.
setup-name-hint = root is fine, any other name too.
setup-password-hint = Long is better than complicated: four words are fine.
setup-button = Make the account
setup-code-wrong = The setup code is wrong. Copy it again from the console; the dash and upper or lower case do not matter.
setup-done-already = The first account exists already. Sign in with it.
passwords-differ = The two passwords differ.
password-missing = Enter the code, a user name and a password.
password-refused = This password cannot be used: { $reason }
