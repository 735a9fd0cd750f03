using System.CommandLine;
using Samples;

namespace ChatServer;

/// <summary>The options, and what runs for them.</summary>
internal static class CommandLine
{
    private static readonly Option<string?> Model = new("--model")
    {
        Description = "Your own base model: a Hugging Face folder or a GGUF file. Without it, the demo model with all its tenants.",
        HelpName = "DIR",
    };

    private static readonly Option<string[]> Adapters =
        new("--adapter") { Description = "An adapter for it: a PEFT folder. Repeatable.", HelpName = "NAME=DIR" };

    private static readonly Option<string> Urls = new("--urls")
    {
        Description = "Where to listen.",
        HelpName = "URLS",
        DefaultValueFactory = _ => "http://127.0.0.1:5080",
    };

    public static RootCommand Create()
    {
        Urls.Validators.Add(result =>
        {
            string value = result.GetValueOrDefault<string>();
            if (!value.Split(';').All(IsAddress))
            {
                result.AddError($"--urls is '{value}'; it must be like http://127.0.0.1:5080, several with ; between them.");
            }
        });
        var root = new RootCommand("One base model behind a page for people, and behind endpoints for clients of OpenAI.")
        {
            Model, Adapters, Urls,
        };
        root.SetAction((options, cancellation) =>
        {
            string[] adapters = options.GetValue(Adapters) ?? [];
            if (options.GetValue(Model) is not { } model)
            {
                return adapters.Length == 0
                    ? Server.RunDemoAsync(options.GetValue(Urls)!, cancellation)
                    : throw new UsageException("--adapter needs --model DIR: the base model that the adapter was trained for.");
            }

            FolderArgument.CheckModel(model);
            return Server.RunAsync(model, FolderArgument.ReadAdapters(adapters, taken: null), options.GetValue(Urls)!, cancellation);
        });
        return root;
    }

    private static bool IsAddress(string url)
    {
        try
        {
            _ = BindingAddress.Parse(url);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
