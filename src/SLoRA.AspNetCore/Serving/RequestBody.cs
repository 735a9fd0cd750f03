using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
using SLoRA.AspNetCore.Errors;

namespace SLoRA.AspNetCore.Serving;

/// <summary>Reads bodies.</summary>
internal static class RequestBody
{
    /// <summary>The body as JSON, at most so long.</summary>
    /// <exception cref="ApiException">It is said to be something else, or is nothing.</exception>
    /// <exception cref="JsonException">It is no JSON, or not of this form.</exception>
    /// <exception cref="BadHttpRequestException">It is too long, or does not arrive.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type, long maxBytes)
        where T : class
    {
        // Pages of other sites may send texts and forms to a server on loopback without being asked, but no JSON.
        if (!http.Request.HasJsonContentType())
        {
            throw new ApiException(
                StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", "The body must be of type application/json.");
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = maxBytes;
        }

        if (http.Request.ContentLength > maxBytes)
        {
            throw new BadHttpRequestException(
                $"The body has {http.Request.ContentLength} bytes; at most {maxBytes} are taken.", StatusCodes.Status413PayloadTooLarge);
        }

        return await JsonSerializer.DeserializeAsync(http.Request.Body, type, http.RequestAborted).ConfigureAwait(false)
            ?? throw new ApiException(StatusCodes.Status400BadRequest, "invalid_json", "The body is null.");
    }
}
