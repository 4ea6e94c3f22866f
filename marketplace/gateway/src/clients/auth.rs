//! The auth service.

use platform::Caller;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CallError, Service};

/// An account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Name.
    #[schema(min_length = 3, max_length = 32)]
    pub username: String,
    /// Address.
    #[schema(format = Email)]
    pub email: String,
    /// Whether the address has been verified.
    pub email_verified: bool,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// What somebody types to sign up.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignUp {
    /// 3 to 32 letters, digits, `_`, `-` or `.`.
    #[schema(min_length = 3, max_length = 32)]
    pub username: String,
    /// Address.
    #[schema(format = Email, max_length = 254)]
    pub email: String,
    /// 8 to 128 characters.
    #[schema(min_length = 8, max_length = 128)]
    pub password: String,
}

/// What somebody types to sign in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignIn {
    /// Name or address.
    #[schema(max_length = 254)]
    pub username: String,
    /// Password.
    #[schema(max_length = 128)]
    pub password: String,
}

/// A sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Sentence)]
pub struct Message {
    /// The sentence.
    pub message: String,
}

/// What seeding made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeededUsers {
    /// How many accounts.
    pub created: u32,
    /// Their names.
    pub usernames: Vec<String>,
}

/// A token read from a mail.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifyEmail {
    /// The token.
    pub token: String,
}

/// Whose password is forgotten.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ForgotPassword {
    /// Address of the account.
    #[schema(format = Email, max_length = 254)]
    pub email: String,
}

/// A new password, for a token from a mail.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetPassword {
    /// The new password.
    #[schema(min_length = 8, max_length = 128)]
    pub password: String,
    /// The same again.
    #[schema(min_length = 8, max_length = 128)]
    pub confirm_password: String,
}

/// A new password, for the old one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangePassword {
    /// The old one.
    #[schema(max_length = 128)]
    pub current_password: String,
    /// The new one.
    #[schema(min_length = 8, max_length = 128)]
    pub new_password: String,
}

#[derive(Deserialize)]
struct UserAnswer {
    user: User,
}

/// The auth service.
#[derive(Clone, Debug)]
pub struct AuthClient(Service);

impl AuthClient {
    /// Wraps `service`.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self(service)
    }

    /// Creates an account.
    ///
    /// # Errors
    /// 400 for what is not valid, 409 when name or address is taken.
    pub async fn sign_up(&self, body: &SignUp) -> Result<User, CallError> {
        let call = self.0.post("/api/v1/auth/signup", &[]).json(body);
        let answer: UserAnswer = call.send(&Caller::anonymous()).await?;
        Ok(answer.user)
    }

    /// The account of a name or address and its password.
    ///
    /// # Errors
    /// 401 when they do not belong together.
    pub async fn sign_in(&self, body: &SignIn) -> Result<User, CallError> {
        let call = self.0.post("/api/v1/auth/signin", &[]).json(body);
        let answer: UserAnswer = call.send(&Caller::anonymous()).await?;
        Ok(answer.user)
    }

    /// Verifies an address.
    ///
    /// # Errors
    /// 400 when the token is unknown, used or expired.
    pub async fn verify_email(&self, body: &VerifyEmail) -> Result<User, CallError> {
        let call = self.0.put("/api/v1/auth/verify-email", &[]).json(body);
        let answer: UserAnswer = call.send(&Caller::anonymous()).await?;
        Ok(answer.user)
    }

    /// Has a mail sent with which a new password can be set.
    ///
    /// # Errors
    /// 400 when it is no address.
    pub async fn forgot_password(&self, body: &ForgotPassword) -> Result<Message, CallError> {
        let call = self.0.put("/api/v1/auth/forgot-password", &[]).json(body);
        call.send(&Caller::anonymous()).await
    }

    /// Sets a new password with the token of a mail.
    ///
    /// # Errors
    /// 400 when the token or the password is not valid.
    pub async fn reset_password(&self, token: &str, body: &ResetPassword) -> Result<Message, CallError> {
        let call = self.0.put("/api/v1/auth/reset-password/{token}", &[token]);
        call.json(body).send(&Caller::anonymous()).await
    }

    /// Sets a new password with the old one.
    ///
    /// # Errors
    /// 400 when the old one is wrong or the new one is not valid.
    pub async fn change_password(&self, body: &ChangePassword, caller: &Caller) -> Result<Message, CallError> {
        let call = self.0.put("/api/v1/auth/change-password", &[]);
        call.json(body).send(caller).await
    }

    /// The caller's own account.
    ///
    /// # Errors
    /// 401 when there is none (any more).
    pub async fn current_user(&self, caller: &Caller) -> Result<User, CallError> {
        let call = self.0.get("/api/v1/auth/currentuser", &[]);
        let answer: UserAnswer = call.send(caller).await?;
        Ok(answer.user)
    }

    /// Has the verification mail sent again.
    ///
    /// # Errors
    /// 409 when the address has been verified.
    pub async fn resend_email(&self, caller: &Caller) -> Result<Message, CallError> {
        let call = self.0.post("/api/v1/auth/resend-email", &[]);
        call.send(caller).await
    }

    /// Makes accounts up.
    ///
    /// # Errors
    /// 403 where that is not wanted.
    pub async fn seed(&self, count: &str, caller: &Caller) -> Result<SeededUsers, CallError> {
        let call = self.0.put("/api/v1/auth/seed/{count}", &[count]);
        call.send(caller).await
    }
}
