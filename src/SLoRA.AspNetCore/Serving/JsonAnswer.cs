using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace SLoRA.AspNetCore.Serving;

/// <summary>Writes whole answers.</summary>
internal static class JsonAnswer
{
    public static Task WriteAsync<T>(HttpContext http, T value, JsonTypeInfo<T> type)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        return JsonSerializer.SerializeAsync(http.Response.Body, value, type, http.RequestAborted);
    }
}
