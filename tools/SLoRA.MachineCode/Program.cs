using SLoRA.MachineCode;

if (args is not [string folder] || !Directory.Exists(folder))
{
    Console.Error.WriteLine("usage: SLoRA.MachineCode FOLDER   writes the listings that src/SLoRA.Core/Backends/Cpu/MachineCode holds");
    return 2;
}

foreach (CodeListing listing in Listings.All)
{
    File.WriteAllText(Path.Combine(folder, listing.File), Listings.Text(listing));
}

return 0;
