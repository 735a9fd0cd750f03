using System.Security.Cryptography;
using System.Text;

namespace SLoRA.AspNetCore.Authentication;

/// <summary>A key, as the server knows it: whose it is and what it opens, without the key itself.</summary>
/// <param name="Client">The tenant; the name of the caller's identity.</param>
/// <param name="Hash">SHA-256 of the key's UTF-8 bytes, as 64 hexadecimal digits; see <see cref="HashOf"/>.</param>
/// <param name="Models">The models that it may use, adapters or the base; <c>*</c> for all.</param>
public sealed record ApiKey(string Client, string Hash, IReadOnlyList<string> Models)
{
    /// <summary>The type of the claims that name a model which the caller may use.</summary>
    public const string ModelClaim = "slora:model";

    /// <summary>The hash of a key. Keys are long and random, so that one round is enough.</summary>
    /// <param name="key">The key, as clients send it.</param>
    public static string HashOf(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
    }
}
