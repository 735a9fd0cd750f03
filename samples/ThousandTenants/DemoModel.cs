namespace ThousandTenants;

/// <summary>The model that comes with the samples.</summary>
internal static class DemoModel
{
    /// <summary>Its folder: in the repository around the current folder or around the program.</summary>
    /// <exception cref="FileNotFoundException">There is no such repository.</exception>
    public static string Find()
    {
        foreach (string start in (string[])[Environment.CurrentDirectory, AppContext.BaseDirectory])
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                string model = Path.Combine(folder.FullName, "samples", "models", "frontdesk", "model");
                if (Directory.Exists(model))
                {
                    return model;
                }
            }
        }

        throw new FileNotFoundException("The demo model is not here; run this inside SLoRA's repository.");
    }
}
