# sh token.sh USER [ISSUER]: a token for a user, as a page gets it that somebody has logged in at (OpenID Connect).
# The issuer of the example believes any name, and any secret of the page.

issuer=${2:-http://127.0.0.1:9400}
page=http://localhost/logged-in

# somebody says who it is: the issuer sends the browser back to the page, with a code in the address
code=$(curl -s -o /dev/null -w '%{redirect_url}' --data-urlencode "sub=$1" \
    "$issuer/oauth2/authorize?response_type=code&client_id=shop&scope=openid&redirect_uri=$page" | sed 's/.*[?&]code=//; s/&.*//')

# the page changes the code for a token
curl -s -u shop:secret -d grant_type=authorization_code -d "code=$code" -d "redirect_uri=$page" "$issuer/oauth2/token" |
    sed -n 's/.*"id_token": *"\([^"]*\)".*/\1/p'
