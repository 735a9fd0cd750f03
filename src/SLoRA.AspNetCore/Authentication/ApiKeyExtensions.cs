using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;

namespace SLoRA.AspNetCore.Authentication;

/// <summary>API keys as a scheme of the framework's own authentication.</summary>
public static class ApiKeyExtensions
{
    /// <summary>The scheme's name, unless another is given.</summary>
    public const string Scheme = "SLoRA.ApiKey";

    /// <summary>
    /// Adds a scheme that reads keys from <c>Authorization: Bearer</c>. The caller's name is the key's client, and each model that the key
    /// opens is a claim of type <see cref="ApiKey.ModelClaim"/>.
    /// </summary>
    /// <param name="authentication">Where to add it.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="scheme">The scheme's name.</param>
    /// <exception cref="InvalidOptionException">
    /// A key has no client or one with too long a name, no hash or one that another has, or names no models.
    /// </exception>
    public static AuthenticationBuilder AddSLoRAApiKeys(
        this AuthenticationBuilder authentication, IReadOnlyList<ApiKey> keys, string scheme = Scheme)
    {
        ArgumentNullException.ThrowIfNull(authentication);
        ArgumentNullException.ThrowIfNull(keys);
        ApiKey[] known = [.. keys];

        // The framework would look at them when the first request comes.
        new ApiKeyOptions { Keys = known }.Validate();
        return authentication.AddScheme<ApiKeyOptions, ApiKeyHandler>(scheme, options => options.Keys = known);
    }

    /// <summary>Whether a caller's key opens a model: for <see cref="SLoraHttpOptions.MayUse"/>.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="model">The model's name.</param>
    public static bool MayUse(ClaimsPrincipal caller, string model)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return caller.HasClaim(ApiKey.ModelClaim, model) || caller.HasClaim(ApiKey.ModelClaim, "*");
    }
}
