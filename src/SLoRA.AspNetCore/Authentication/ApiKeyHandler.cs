using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using SLoRA.AspNetCore.Json;
using SLoRA.AspNetCore.Serving;

namespace SLoRA.AspNetCore.Authentication;

/// <summary>Reads keys from <c>Authorization: Bearer</c>, and refuses as OpenAI's clients expect it.</summary>
internal sealed class ApiKeyHandler(IOptionsMonitor<ApiKeyOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<ApiKeyOptions>(options, logger, encoder)
{
    private const string Prefix = "Bearer ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        string header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        if (!Options.ByHash.TryGetValue(ApiKey.HashOf(header[Prefix.Length..].Trim()), out ApiKey? key))
        {
            return Task.FromResult(AuthenticateResult.Fail("The key is unknown."));
        }

        var identity = new ClaimsIdentity(
            [new Claim(ClaimTypes.Name, key.Client), .. key.Models.Select(model => new Claim(ApiKey.ModelClaim, model))], Scheme.Name);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return RefuseAsync(StatusCodes.Status401Unauthorized, "invalid_api_key", "No key was given that this server knows.");
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        RefuseAsync(StatusCodes.Status403Forbidden, "forbidden", "This key does not open this endpoint.");

    private Task RefuseAsync(int status, string code, string message)
    {
        Response.StatusCode = status;
        var body = new ErrorBody(new ErrorDetail(message, "invalid_request_error", null, code));
        return JsonAnswer.WriteAsync(Context, body, ApiJson.Default.ErrorBody);
    }
}
