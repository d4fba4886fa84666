/** The sixteen tables as the original project made them: the documented columns, types, defaults, keys and checks, nothing else. */
export const originalSchema = `
CREATE TABLE Users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  username TEXT UNIQUE NOT NULL,
  password_hash TEXT NOT NULL,
  email TEXT UNIQUE NOT NULL,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  last_login TIMESTAMP
);
CREATE TABLE Packages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name VARCHAR(64) NOT NULL UNIQUE,
  type TEXT CHECK(type IN ('project', 'component', 'plugin')) NOT NULL,
  description TEXT,
  home VARCHAR(255),
  create_time TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  update_time TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  downloads_count INTEGER DEFAULT 0,
  is_deprecated BOOLEAN DEFAULT 0,
  latest_version_id INTEGER,
  FOREIGN KEY (latest_version_id) REFERENCES Versions(id)
);
CREATE TABLE Versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  package_id INTEGER,
  version VARCHAR(20) NOT NULL,
  edition VARCHAR(10) NOT NULL,
  description TEXT,
  readme TEXT,
  zipball_url VARCHAR(255),
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  grayscale FLOAT DEFAULT 1,
  status TEXT DEFAULT 'pending',
  downloads_count INTEGER DEFAULT 0,
  FOREIGN KEY (package_id) REFERENCES Packages(id)
);
CREATE TABLE Providers (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(50) NOT NULL UNIQUE);
CREATE TABLE PackageProviders (
  package_id INTEGER,
  provider_id INTEGER,
  FOREIGN KEY (package_id) REFERENCES Packages(id),
  FOREIGN KEY (provider_id) REFERENCES Providers(id)
);
CREATE TABLE Tags (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(50) NOT NULL UNIQUE);
CREATE TABLE PackageTags (
  package_id INTEGER,
  tag_id INTEGER,
  FOREIGN KEY (package_id) REFERENCES Packages(id),
  FOREIGN KEY (tag_id) REFERENCES Tags(id)
);
CREATE TABLE Services (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  package_id INTEGER,
  service_name VARCHAR(100) NOT NULL,
  permissions TEXT,
  FOREIGN KEY (package_id) REFERENCES Packages(id)
);
CREATE TABLE Commands (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  package_id INTEGER,
  command_name VARCHAR(50) NOT NULL,
  description TEXT,
  FOREIGN KEY (package_id) REFERENCES Packages(id)
);
CREATE TABLE Properties (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  package_id INTEGER,
  property_name VARCHAR(50) NOT NULL,
  property_value TEXT,
  FOREIGN KEY (package_id) REFERENCES Packages(id)
);
CREATE TABLE Tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL,
  token TEXT NOT NULL,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  expired_at TIMESTAMP,
  FOREIGN KEY (user_id) REFERENCES Users(id)
);
CREATE TABLE PackageMaintainers (
  package_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  role TEXT NOT NULL,
  FOREIGN KEY (package_id) REFERENCES Packages(id),
  FOREIGN KEY (user_id) REFERENCES Users(id)
);
CREATE TABLE Dependencies (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  package_id INTEGER,
  dependency_package_id INTEGER,
  version_constraint TEXT,
  FOREIGN KEY (package_id) REFERENCES Packages(id),
  FOREIGN KEY (dependency_package_id) REFERENCES Packages(id)
);
CREATE TABLE Changelogs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  version_id INTEGER,
  changelog TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  FOREIGN KEY (version_id) REFERENCES Versions(id)
);
CREATE TABLE PackageRatings (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  package_id INTEGER,
  user_id INTEGER,
  rating INTEGER CHECK(rating >= 1 AND rating <= 5),
  comment TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  FOREIGN KEY (package_id) REFERENCES Packages(id),
  FOREIGN KEY (user_id) REFERENCES Users(id)
);
CREATE TABLE AuditLogs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER,
  action TEXT,
  details TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  FOREIGN KEY (user_id) REFERENCES Users(id)
);
`;
